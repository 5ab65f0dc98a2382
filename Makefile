# devops_agent: build, test, lint, install.  GNU make; there is no configure.
# `make help` lists the goals and the variables.

.SUFFIXES:
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules

# --- What is built, and where ------------------------------------------------
# A variant has its own object folder and its own program, so that variants
# never spoil each other: build/ bin/devops_agent, build/asan/
# bin/devops_agent-asan, build/clang/ bin/devops_agent-clang, ...

ifeq ($(origin CC),default)
CC := gcc
endif
HOSTCC  := cc
PYTHON  := /usr/bin/python3
VARIANT := $(if $(findstring clang,$(notdir $(CC))),clang)
O       := build$(VARIANT:%=/%)
GEN     := build/gen
PROGRAM := bin/devops_agent$(VARIANT:%=-%)
VERSION := $(file <VERSION)

PREFIX     := /usr/local
SYSCONFDIR := /etc
DESTDIR    :=

NPROC        := $(shell getconf _NPROCESSORS_ONLN 2>/dev/null || echo 1)
FUZZ_SECONDS := 10
SOAK_JOBS    := 100000
TESTS        :=
KERNELS      := bookworm
FLEET_HOSTS  := 5

# --- Flags -------------------------------------------------------------------

PKGS := jansson sqlite3 yaml-0.1 libcap libmd libpcre2-8
ARCH := $(shell uname -m)

WERROR   := -Werror
WARNINGS := -Wall -Wextra $(WERROR) -Wshadow -Wstrict-prototypes \
	-Wmissing-prototypes -Wold-style-definition -Wredundant-decls \
	-Wpointer-arith -Wformat=2 -Wvla -Walloca -Wundef -Wwrite-strings \
	-Wdouble-promotion -Wimplicit-fallthrough -Wdate-time
CPPFLAGS := -D_GNU_SOURCE -DDEVOPS_AGENT_VERSION='"$(VERSION)"' -Isrc
HARDEN   := -O2 -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3 \
	-fstack-protector-strong -fstack-clash-protection \
	$(if $(filter x86_64 i%86,$(ARCH)),-fcf-protection) \
	$(if $(filter aarch64,$(ARCH)),-mbranch-protection=standard)
SANITIZE := -O1 -fno-omit-frame-pointer -fno-sanitize-recover=all \
	-fsanitize=address,undefined
FUZZING  := $(SANITIZE) -fsanitize=fuzzer-no-link

# `make asan` and `make fuzz` build their variants with these instead.
MODE    := $(firstword $(subst -, ,$(VARIANT)))
MODE_FLAGS := $(or $(if $(filter asan,$(MODE)),$(SANITIZE)), \
	$(if $(filter fuzz,$(MODE)),$(FUZZING)),$(HARDEN))

CFLAGS  := -g
ALL_CFLAGS = -std=gnu11 $(CFLAGS) $(MODE_FLAGS) -fPIE $(WARNINGS) \
	$(PKG_CFLAGS) $(PEER_CFLAGS)
LDFLAGS := -pie -Wl,-z,relro,-z,now,-z,noexecstack,-z,separate-code \
	-Wl,--as-needed $(filter -fsanitize=address%,$(MODE_FLAGS))

PKG_CFLAGS := $(shell pkg-config --cflags $(PKGS) 2>/dev/null)
PKG_LIBS   := $(shell pkg-config --libs $(PKGS) 2>/dev/null)

# STATIC_LIBS=1 links the third-party libraries from their archives (the C
# library stays shared): fewer files to map and relocate at every start.
STATIC_LIBS :=
LIBC_PARTS  := -lm -lpthread -ldl -lrt -pthread
ifneq ($(STATIC_LIBS),)
PKG_LIBS := $(shell pkg-config --static --libs $(PKGS) 2>/dev/null)
LIBS := -Wl,-Bstatic $(filter-out $(LIBC_PARTS),$(PKG_LIBS)) -Wl,-Bdynamic \
	$(filter $(LIBC_PARTS),$(PKG_LIBS))
else
LIBS := $(PKG_LIBS)
endif

# The programs that the agent starts beside itself, bin/devops_agent-NAME: each
# has src/main_NAME.c, src/NAME/, and libraries that no other program has.
# What some of them share, and the agent does not need, is in PEER_SHARED.
PEERS := api forward
PEER_SHARED := pack
PKGS_api := libmicrohttpd gnutls jansson zlib libzstd
PKGS_forward := libcurl libzstd zlib
PEER_CFLAGS := $(foreach p,$(PEERS),$(shell pkg-config --cflags $(PKGS_$(p)) 2>/dev/null))
PEER_LIBS   := $(foreach p,$(PEERS),$(shell pkg-config --libs $(PKGS_$(p)) 2>/dev/null))
PEER_PROGRAM = bin/devops_agent-$(1)$(VARIANT:%=-%)
PEER_PROGRAMS := $(foreach p,$(PEERS),$(call PEER_PROGRAM,$(p)))
PEER_ARCHIVES := $(PEERS:%=$(O)/%.a)

# --- Sources -----------------------------------------------------------------

PEER_SRCS := $(foreach p,$(PEERS) $(PEER_SHARED),$(wildcard src/$(p)/*.c))
PEER_OBJS := $(PEER_SRCS:%.c=$(O)/obj/%.o) $(PEERS:%=$(O)/obj/src/main_%.o)
SRCS     := $(filter-out $(PEER_SRCS),$(wildcard src/*/*.c))
GEN_SRCS := $(wildcard src/sandbox/gen/*.c src/sandbox/seccomp_rules.c \
	src/sandbox/seccomp_grants.c)
GEN_C    := $(if $(GEN_SRCS),$(GEN)/seccomp_filters.c)
OBJS     := $(SRCS:%.c=$(O)/obj/%.o) $(GEN_C:%.c=$(O)/obj/%.o)
MAIN_OBJ := $(O)/obj/src/main.o
GEN_OBJS := $(GEN_SRCS:%.c=$(GEN)/obj/%.o)

# Tests: unit programs, replays of the fuzzers' corpora, and small native
# programs that other tests run (t/FOLDER/NAME.c becomes build/t/FOLDER/NAME;
# those of t/drivers are linked with the program's objects).
SCRIPTS     := $(wildcard t/*.t)
UNIT_SRCS   := $(wildcard t/unit/test_*.c)
FUZZ_SRCS   := $(wildcard t/fuzz/fuzz_*.c)
DRIVER_SRCS := $(wildcard t/drivers/*.c)
HELPER_SRCS := $(filter-out t/unit/% t/fuzz/% t/lib/% t/drivers/%, \
	$(wildcard t/*/*.c))
UNITS   := $(UNIT_SRCS:t/unit/%.c=$(O)/t/%)
REPLAYS := $(FUZZ_SRCS:t/fuzz/fuzz_%.c=$(O)/t/replay_%)
FUZZERS := $(FUZZ_SRCS:t/fuzz/fuzz_%.c=$(O)/t/fuzz_%)
DRIVERS := $(DRIVER_SRCS:%.c=$(O)/%)
HELPERS := $(HELPER_SRCS:%.c=$(O)/%)

SDK_SRCS    := $(shell find sdk/python/devops_agent -name '*.py' 2>/dev/null)
PLUGIN_SRCS := $(shell find plugins -type f -not -name '*.pyc' 2>/dev/null)

# The same program with the points at which the crash tests let it die: only
# the objects that have one are compiled again.
CRASHING   := $(PROGRAM)-crash
CRASH_SRCS := src/base/crash.c $(shell grep -l 'CRASH_[PT]' \
	$(filter-out src/base/%,$(SRCS)))
CRASH_OBJS := $(CRASH_SRCS:%.c=$(O)/crash/%.o)

# --- Goals -------------------------------------------------------------------

.PHONY: all man run check unit asan lint fuzz bench bench-api bench-forward \
	check-crash check-forward soak check-fresh check-vm check-power check-fleet \
	install uninstall clean format help tests fuzzers deps-build deps-test \
	deps-lint deps-package deps-machine FORCE
all: $(PROGRAM) $(PEER_PROGRAMS) $(O)/sdk.stamp $(O)/grants.stamp  ## the programs (default)

# These goals install what they need first, and only then look for compilers
# and libraries: hence a second make, parallel unless the caller said how.
SUBMAKE = +@$(MAKE) --no-print-directory \
	$(if $(findstring jobserver,$(MAKEFLAGS)),,-j$(NPROC))

run: deps-build  ## install what building needs, build, run a plugin
	$(SUBMAKE) all
	$(PROGRAM) run collect-disk

check: deps-build deps-test  ## build and run every test (TESTS=... for some)
	$(SUBMAKE) all tests
	@t/lib/run-tests -j$(NPROC) $(if $(TESTS),$(TESTS),$(SCRIPTS) $(UNITS) $(REPLAYS))

unit: $(UNITS)  ## the unit tests alone
	@t/lib/run-tests -j$(NPROC) $(if $(TESTS),$(TESTS),$(UNITS))

# Without those that run nothing of what is compiled.
asan:  ## the same tests with the address, undefined and leak sanitizers
	$(SUBMAKE) check VARIANT=asan$(VARIANT:%=-%) \
		SCRIPTS="$(filter-out t/0% t/20-% t/80-%,$(SCRIPTS))"

fuzz: deps-lint  ## run each fuzzer for FUZZ_SECONDS
	$(SUBMAKE) fuzzers VARIANT=fuzz CC=clang
	@t/fuzz/run -j$(NPROC) -s $(FUZZ_SECONDS) build/fuzz

lint: deps-build deps-lint  ## every linter
	$(SUBMAKE) $(LINTERS)

bench: deps-build  ## measure; writes bench/RESULTS.md and SERVICE.md
	$(SUBMAKE) all $(O)/bench/share $(O)/bench/load $(O)/bench/store
	bench/run.sh
	$(PYTHON) bench/service.py

bench-api: deps-build  ## measure the HTTP API; writes bench/API.md
	$(SUBMAKE) all $(O)/bench/store
	$(PYTHON) bench/api.py

# The long form of what is a part of `make check`.
check-crash: deps-build deps-test  ## kill -9 of the agent at every point, and at 200 instants
	$(SUBMAKE) all tests
	@CRASH_PASSINGS="1 2 5" CRASH_DEATHS=200 t/lib/run-tests \
		-j$(NPROC) $(wildcard t/9*-crash-*.t)

soak: deps-build deps-test  ## SOAK_JOBS (100000) jobs through one agent: is it flat?
	$(SUBMAKE) all
	t/lab/soak.py $(SOAK_JOBS)
bench-forward: deps-build  ## measure forwarding; writes bench/FORWARD.md
	$(SUBMAKE) all $(addprefix $(O)/bench/,forward load store)
	$(PYTHON) bench/forward.py

check-forward: deps-build deps-test  ## 1,000,000 records through a collector that misbehaves
	$(SUBMAKE) all
	FORWARD_RECORDS=1000000 t/70-forward-hostile.t

check-fresh:  ## `make run`, `make check` on a bare Debian, root and user
	packaging/check-fresh.sh

check-fleet: deps-build lint-ansible  ## the Ansible collection on five booted hosts
	$(SUBMAKE) all
	$(PYTHON) t/lab/fleet.py $(FLEET_HOSTS)

check-vm: deps-build deps-test deps-package deps-machine  ## sandbox, service and power cuts on other kernels, in a virtual machine
	$(SUBMAKE) all tests
	t/lab/vm.sh $(KERNELS:%=-k %) $(TESTS)
	$(if $(TESTS),,@KERNELS="$(KERNELS)" t/lib/run-tests t/lab/vm-service.sh)

check-power: deps-build deps-package deps-machine  ## the service in a virtual machine, and CUTS (3) power cuts
	@t/lib/run-tests t/lab/vm-service.sh

deps-build deps-test deps-lint deps-package deps-machine: deps-%:
	@packaging/install-deps.sh $*

clean:  ## remove everything that was built
	rm -rf build bin etc/grants.d/*.yaml
	find sdk plugins t -name __pycache__ -prune -exec rm -rf {} + 2>/dev/null || :

format:  ## clang-format the C files in place
	clang-format -i $(C_FILES)

help:  ## this text
	@sed -n 's/^\([a-z-]*\):.*  ## /\1\t/p' $(MAKEFILE_LIST) | sort | expand -t 16
	@echo 'Variables: CC=clang  V=1  TESTS="t/x.t"  FUZZ_SECONDS=10' \
		'KERNELS="bullseye bookworm trixie"' \
		'STATIC_LIBS=1  CFLAGS=-g  PREFIX=/usr/local  DESTDIR='

# --- Rules -------------------------------------------------------------------
# A stamp holds what a step depends on besides files; it is rewritten, and so
# newer than its products, only when that changes.

Q := $(if $(V),,@)
say = $(if $(V),,@printf '  %-7s %s\n' $(1) $(2))
define stamp
	@mkdir -p $(@D)
	@printf '%s\n' $(call quote,$(1)) | cmp -s - $@ || \
		printf '%s\n' $(call quote,$(1)) >$@
endef
quote = '$(subst ','\'',$(1))'

COMPILER = $(shell $(CC) --version 2>/dev/null | head -n 1)
COMPILE  = $(CC) $(CPPFLAGS) $(ALL_CFLAGS)
LINK     = $(CC) $(CFLAGS) $(LDFLAGS)

$(O)/compile.stamp: FORCE
	@test -n "$(PKG_LIBS)" || { echo 'make: libraries or pkg-config missing;' \
		'packaging/install-deps.sh build installs them' >&2; exit 1; }
	$(call stamp,$(COMPILE) $(COMPILER))
$(O)/link.stamp: FORCE
	$(call stamp,$(LINK) $(OBJS) $(LIBS) $(PEER_OBJS) $(PEER_LIBS))
$(GEN)/compile.stamp: FORCE
	$(call stamp,$(HOSTCC) $(CPPFLAGS) $(GEN_SRCS))

$(O)/obj/%.o: %.c $(O)/compile.stamp Makefile
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(COMPILE) -MMD -MP -c -o $@ $<

$(PROGRAM): $(MAIN_OBJ) $(OBJS) $(O)/link.stamp
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(LINK) -o $@ $(MAIN_OBJ) $(OBJS) $(LIBS)

$(O)/crash/%.o: %.c $(O)/compile.stamp Makefile
	@mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)$(COMPILE) -DWITH_CRASH_POINTS -MMD -MP -c -o $@ $<
$(CRASHING): $(MAIN_OBJ) $(OBJS) $(CRASH_OBJS) $(O)/link.stamp
	$(call say,LD,$@)
	$(Q)$(LINK) -o $@ $(MAIN_OBJ) $(CRASH_OBJS) \
		$(filter-out $(CRASH_SRCS:%.c=$(O)/obj/%.o),$(OBJS)) $(LIBS)
$(PEER_ARCHIVES): $(O)/%.a: $(PEER_OBJS) $(O)/link.stamp
	@rm -f $@
	$(Q)$(AR) rcs $@ $(foreach p,$* $(PEER_SHARED),$(filter $(O)/obj/src/$(p)/%.o,$(PEER_OBJS)))
$(PEER_PROGRAMS): $(call PEER_PROGRAM,%): $(O)/obj/src/main_%.o $(O)/%.a \
		$(O)/agent.a $(O)/link.stamp
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(LINK) -o $@ $(filter %.o %.a,$^) $(LIBS) \
		$(shell pkg-config --libs $(PKGS_$*))

# The system call filters are compiled on the build machine: the generator
# links libseccomp, the agent does not.
$(GEN)/obj/%.o: %.c $(GEN)/compile.stamp Makefile
	@mkdir -p $(@D)
	$(call say,HOSTCC,$<)
	$(Q)$(HOSTCC) $(CPPFLAGS) -std=gnu11 -O1 -g $(WARNINGS) -MMD -MP -c -o $@ $<
$(GEN)/seccomp_gen: $(GEN_OBJS)
	$(Q)$(HOSTCC) -o $@ $^ $$(pkg-config --libs libseccomp)
$(GEN)/seccomp_filters.c: $(GEN)/seccomp_gen
	$(call say,GEN,$@)
	$(Q)$(GEN)/seccomp_gen >$@.tmp
	@mv $@.tmp $@

# The SDK's byte code is checked against nothing at run time, which saves a
# stat and a read of each source at every start of a plugin.
$(O)/sdk.stamp: $(SDK_SRCS)
	@mkdir -p $(@D)
	$(Q)$(PYTHON) -m compileall -q --invalidation-mode unchecked-hash \
		sdk/python/devops_agent
	@touch $@

# The bundled plugins' grants pin the SHA-256 of their files.
$(O)/grants.stamp: $(PROGRAM) $(PLUGIN_SRCS)
	@mkdir -p etc/grants.d && rm -f etc/grants.d/*.yaml
	$(call say,GRANTS,etc/grants.d)
	$(Q)$(PROGRAM) plugin allow --bundled --output etc/grants.d
	@touch $@

# --- Tests -------------------------------------------------------------------
# The archive lets a unit test link only the objects that it reaches.

tests: $(UNITS) $(REPLAYS) $(DRIVERS) $(HELPERS) $(CRASHING)
fuzzers: $(FUZZERS)

export DEVOPS_AGENT := $(abspath $(PROGRAM))
export DEVOPS_AGENT_API := $(abspath $(call PEER_PROGRAM,api))
export BUILD := $(abspath $(O))

$(O)/agent.a: $(OBJS) $(O)/link.stamp
	@rm -f $@
	$(Q)$(AR) rcs $@ $(OBJS)
AR := ar

define test_program
	@mkdir -p $(@D)
	$(call say,TEST,$@)
	$(Q)$(COMPILE) -It/lib $(1) -MMD -MP -MF $@.d $(LDFLAGS) -o $@ $< \
		$(2) $(PEER_ARCHIVES) $(O)/agent.a $(LIBS) $(PEER_LIBS)
endef
$(UNITS): $(O)/t/%: t/unit/%.c $(PEER_ARCHIVES) $(O)/agent.a Makefile
	$(call test_program)
$(REPLAYS): $(O)/t/replay_%: t/fuzz/fuzz_%.c t/fuzz/replay.c $(PEER_ARCHIVES) \
		$(O)/agent.a Makefile
	$(call test_program,-Wno-missing-prototypes,t/fuzz/replay.c)
$(FUZZERS): $(O)/t/fuzz_%: t/fuzz/fuzz_%.c $(PEER_ARCHIVES) $(O)/agent.a Makefile
	$(call test_program,-Wno-missing-prototypes -fsanitize=fuzzer)
$(DRIVERS): $(O)/%: %.c $(PEER_ARCHIVES) $(O)/agent.a Makefile
	$(call test_program)
$(HELPERS): $(O)/%: %.c Makefile
	@mkdir -p $(@D)
	$(call say,TEST,$@)
	$(Q)$(CC) $(CPPFLAGS) -std=gnu11 -O1 -Wall -Wextra $(WERROR) -o $@ $<

$(O)/bench/%: bench/%.c $(PEER_ARCHIVES) $(O)/agent.a Makefile
	$(call test_program)

include t/lib/lint.mk
include packaging/packages.mk

# --- Installation ------------------------------------------------------------

BINDIR   = $(DESTDIR)$(PREFIX)/bin
SHAREDIR = $(DESTDIR)$(PREFIX)/share/devops_agent
DOCDIR   = $(DESTDIR)$(PREFIX)/share/doc/devops_agent
CONFDIR  = $(DESTDIR)$(SYSCONFDIR)/devops_agent
BASHDIR  = $(DESTDIR)$(PREFIX)/share/bash-completion/completions
ZSHDIR   = $(DESTDIR)$(PREFIX)/share/zsh/site-functions
MANDIR   = $(DESTDIR)$(PREFIX)/share/man

# copy FOLDER, DESTINATION: every file below FOLDER but caches, root's bits only
copy = find $(1) -name __pycache__ -prune -o -type f -printf '%P\n' | \
	while read -r f; do m=644; test ! -x "$(1)/$$f" || m=755; \
	install -D -m $$m "$(1)/$$f" "$(2)/$$f" || exit 1; done

MAN_PAGES := devops_agent.1 devops_agent.yaml.5 devops_agent-plugin.7
$(MAN_PAGES:%=$(O)/man/%): packaging/man/man.py VERSION docs/cli.md \
		docs/configuration.md docs/plugins.md
	@mkdir -p $(@D)
	$(call say,MAN,$@)
	$(Q)$(PYTHON) packaging/man/man.py $(basename $(@F)) $(VERSION) >$@.tmp
	@mv $@.tmp $@
man: $(MAN_PAGES:%=$(O)/man/%)  ## the manual pages, made of docs/

install: all man  ## install below DESTDIR PREFIX
	install -D -m 755 $(PROGRAM) $(BINDIR)/devops_agent
	$(foreach p,$(PEERS),install -D -m 755 $(call PEER_PROGRAM,$(p)) \
		$(BINDIR)/devops_agent-$(p) &&) :
	$(call copy,plugins,$(SHAREDIR)/plugins)
	$(call copy,sdk/python,$(SHAREDIR)/sdk/python)
	$(call copy,etc/grants.d,$(SHAREDIR)/grants.d)
	$(call copy,packaging/apparmor,$(SHAREDIR)/apparmor)
	$(call copy,packaging/selinux,$(SHAREDIR)/selinux)
	install -D -m 644 packaging/image/seccomp.json $(SHAREDIR)/seccomp.json
	$(call copy,docs,$(DOCDIR)/docs)
	$(PYTHON) -m compileall -q --invalidation-mode unchecked-hash \
		-d $(PREFIX)/share/devops_agent/sdk/python/devops_agent \
		$(SHAREDIR)/sdk/python/devops_agent
	install -m 644 LICENSE README.md CHANGELOG.md config.example.yaml $(DOCDIR)
	install -d -m 755 $(BASHDIR) $(ZSHDIR)
	$(PROGRAM) completion bash >$(BASHDIR)/devops_agent
	$(PROGRAM) completion zsh >$(ZSHDIR)/_devops_agent
	chmod 644 $(BASHDIR)/devops_agent $(ZSHDIR)/_devops_agent
	install -d -m 755 $(CONFDIR)/grants.d
	test -e $(CONFDIR)/config.yaml || { \
		sed -f packaging/system-config.sed config.example.yaml \
		>$(CONFDIR)/config.yaml && \
		chmod 644 $(CONFDIR)/config.yaml; }
	$(foreach page,$(MAN_PAGES),install -D -m 644 $(O)/man/$(page) \
		$(MANDIR)/man$(subst .,,$(suffix $(page)))/$(page) &&) :
	$(foreach p,$(PEERS),echo '.so man1/devops_agent.1' \
		>$(MANDIR)/man1/devops_agent-$(p).1 &&) :
	chmod 644 $(MANDIR)/man1/devops_agent-*.1

uninstall:  ## remove what install made, but the configuration
	rm -f $(BINDIR)/devops_agent $(PEERS:%=$(BINDIR)/devops_agent-%)
	rm -f $(BASHDIR)/devops_agent $(ZSHDIR)/_devops_agent
	rm -f $(foreach page,$(MAN_PAGES) $(PEERS:%=devops_agent-%.1), \
		$(MANDIR)/man$(subst .,,$(suffix $(page)))/$(page))
	rm -rf $(SHAREDIR) $(DOCDIR)

-include $(OBJS:.o=.d) $(PEER_OBJS:.o=.d) $(MAIN_OBJ:.o=.d) $(GEN_OBJS:.o=.d) \
	$(CRASH_OBJS:.o=.d) \
	$(UNITS:=.d) $(REPLAYS:=.d) $(FUZZERS:=.d) $(DRIVERS:=.d)
