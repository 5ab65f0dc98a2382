# The linters of `make lint`; the Makefile includes this. Each can be run alone,
# as in `make lint-tidy`; clang-tidy looks again only at what changed.

LINTERS := lint-tidy lint-cppcheck lint-format lint-shell lint-python lint-mypy
# make 4.3 and those before it differ in whether this is escaped in $(shell)
hash := \#
C_FILES := $(wildcard src/*.[ch] src/*/*.[ch] src/*/gen/*.[ch] t/*/*.[ch])
HEADERS := $(filter %.h,$(C_FILES))
SH_FILES = $(shell find . -name build -prune -o -name .git -prune -o \
	-type f -size -1000k -print | xargs -d '\n' awk 'FNR == 1 && \
	/^$(hash)!.*\/(bash|sh|dash)( |$$)|^$(hash) shellcheck shell=/ { print FILENAME } \
	{ nextfile }')
PY_DIRS  := $(wildcard sdk plugins t bench packaging)
TIDIED   := $(patsubst %.c,build/lint/%.tidy,$(filter %.c,$(C_FILES)))

.PHONY: $(LINTERS) lint-ansible

lint-tidy: $(TIDIED)
build/lint/%.tidy: %.c $(HEADERS) .clang-tidy
	@mkdir -p $(@D)
	$(call say,TIDY,$<)
	$(Q)clang-tidy --quiet $< -- $(CPPFLAGS) $(PKG_CFLAGS) -It/lib \
		-std=gnu11 >$@.log 2>&1 || { cat $@.log; exit 1; }
	@touch $@

# cppcheck reads no header of the system, and has to be shown these macros.
QUEUE_H = $(shell $(HOSTCC) -M -xc -include sys/queue.h /dev/null | \
	tr ' ' '\n' | grep '/sys/queue.h$$')

lint-cppcheck:
	@mkdir -p build/lint/cppcheck
	$(call say,LINT,cppcheck)
	$(Q)cppcheck --quiet --std=c11 --language=c --platform=unix64 \
		--enable=warning,performance,portability --inline-suppr \
		--suppress=missingIncludeSystem --error-exitcode=1 \
		--cppcheck-build-dir=build/lint/cppcheck -j$(NPROC) \
		--include=$(QUEUE_H) $(CPPFLAGS) $(filter src/%.c,$(C_FILES))

lint-format:
	$(call say,LINT,clang-format)
	$(Q)clang-format --dry-run -Werror $(C_FILES)

lint-shell:
	$(call say,LINT,shellcheck)
	$(Q)shellcheck --external-sources --source-path=SCRIPTDIR $(SH_FILES)

# The machine's own Python, which the project runs under, not the first on PATH.
lint-python:
	$(call say,LINT,flake8)
	$(Q)/usr/bin/flake8 --exclude=build,__pycache__ $(PY_DIRS)

lint-mypy:
	$(call say,LINT,mypy)
	$(Q)/usr/bin/mypy --strict --no-error-summary \
		--cache-dir build/lint/mypy $(wildcard sdk/python/devops_agent)
	$(Q)/usr/bin/mypy --strict --allow-untyped-decorators \
		--no-error-summary --cache-dir build/lint/mypy \
		$(wildcard t/lib/*.py)

# A part of `make check-fleet`, as it brings much along. The collection is
# looked at where Ansible would have it.
ANSIBLE := build/lint/ansible_collections/devops_agent/agent
lint-ansible:
	$(call say,LINT,ansible-lint)
	@command -v ansible-lint >/dev/null || { echo 'make: needs ansible-lint' \
		'(Debian: apt-get install ansible-lint)' >&2; exit 1; }
	@mkdir -p $(dir $(ANSIBLE)) && ln -sfn $(CURDIR)/packaging/ansible $(ANSIBLE)
	$(Q)cd $(ANSIBLE) && ANSIBLE_COLLECTIONS_PATH=$(CURDIR)/build/lint \
		NO_COLOR=1 ansible-lint --offline --profile production --strict -q
