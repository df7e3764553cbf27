# The front door. CMake and Ninja do the work; each target says what it does when run.
#
#   make deps      install what is missing (Debian packages, npm packages of the tests)
#   make build     build/usher, optimised
#   make run       deps, build, then a sample organisation that you can try everything on
#   make test      every test, under sanitizers too
#   make bench     ratios against their limits
#   make check     format, floors, lint, and the functions to shorten next
#   make format    put every C file into the house's layout
#   make install   PREFIX=/usr/local, DESTDIR for packagers
#   make clean

PREFIX ?= /usr/local
JOBS ?= $(shell nproc)
CMAKE = cmake -G Ninja -S .
NINJA = ninja -j $(JOBS)
C_FILES = $(shell find src tests bench -name '*.[ch]' -not -path '*/node_modules/*' 2>/dev/null | sort)

.PHONY: all deps deps-build build run test test-trees bench check format install clean

all: build

deps:
	tools/install-deps all

# What building alone needs; `make run` on a new machine is done with this.
deps-build:
	@tools/install-deps build

build: deps-build
	@mkdir -p build
	@$(CMAKE) -B build -DCMAKE_BUILD_TYPE=Release >build/configure.log 2>&1 || { cat build/configure.log; exit 1; }
	$(NINJA) -C build usher

run: build
	build/usher demo $(ARGS)

# One tree for each way to build: the program as users have it, with address and undefined-behaviour
# sanitizers, with the thread sanitizer, and with clang's fuzzer.
test-trees: build
	$(CMAKE) -B build/asan -DCMAKE_BUILD_TYPE=Debug -DUSHER_SANITIZE=address -DUSHER_WERROR=ON >/dev/null
	$(NINJA) -C build/asan
	$(CMAKE) -B build/tsan -DCMAKE_BUILD_TYPE=Debug -DUSHER_SANITIZE=thread -DUSHER_WERROR=ON >/dev/null
	$(NINJA) -C build/tsan $$(tests/suite/threaded targets)
	$(CMAKE) -B build/fuzz -DCMAKE_BUILD_TYPE=Debug -DCMAKE_C_COMPILER=clang -DUSHER_FUZZ=ON -DUSHER_WERROR=ON >/dev/null
	$(NINJA) -C build/fuzz

test: deps test-trees
	cmake -G Ninja -S tests/suite -B build/suite >/dev/null
	ctest --test-dir build/suite -j $(JOBS) --output-on-failure

bench: deps build
	$(NINJA) -C build
	bench/run

check: build
	tools/check-floors
	tools/check-decisions
	tools/check-format
	tools/check-lint
	tools/longest-functions

format:
	clang-format -i $(C_FILES)

install: build
	cmake --install build --prefix $(PREFIX)

clean:
	rm -rf build
