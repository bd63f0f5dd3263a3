# genre_hier: the PostgreSQL extension (PGXS), its core library and its tests.
#
#   make                       build the extension            (PG_CONFIG= chooses the server)
#   make install               into that server's folders     (usually as root)
#   make installcheck PGPORT=  regression tests on a running server
#   make core                  build/core/libgenre_hier_core.a: no PostgreSQL in it
#   make check-core [T=name]   unit tests of the core (all, or test/core/NAME.c)
#   make check-asan | check-tsan | check-valgrind [T=name]
#   make check-cancel [ROWS=n] [THREADS=n] [STAGE=fit]   how soon training of many rows can be cancelled
#   make check-clang | check-borders
#   make check-pgtap | check-docs    on a running server (PGHOST, PGPORT)
#   make demo [DATA=folder]    from a clean machine to explained predictions and a report
#   make test                  every test, on a throw-away server
#   make test-browser          report and pictures in a headless Chromium, which it installs
#   make clean                 leaves nothing behind
#
# Everything built goes below $(BUILD) (build/ of the current folder), except the
# module and pg_regress' results, whose places PGXS fixes.  The source folder is
# never written to, so a VPATH build is: make -f /path/to/source/Makefile

SRC := $(patsubst %/,%,$(dir $(firstword $(MAKEFILE_LIST))))

BUILD ?= build

EXTENSION = genre_hier
MODULE_big = genre_hier
VERSION_SQL := $(shell sed -n "s/^default_version *= *'\(.*\)'/\1/p" $(SRC)/genre_hier.control)

CORE_C := $(patsubst $(SRC)/%,%,$(wildcard $(SRC)/src/core/*/*.c))
PG_C := $(patsubst $(SRC)/%,%,$(wildcard $(SRC)/src/*.c $(SRC)/src/pg/*.c))
OBJS := $(patsubst src/%.c,$(BUILD)/ext/%.o,$(CORE_C) $(PG_C))

INSTALL_SQL := $(sort $(wildcard $(SRC)/sql/install/*.sql))
DATA := $(patsubst $(SRC)/%,%,$(wildcard $(SRC)/sql/upgrade/*.sql))
DATA_built = $(BUILD)/sql/genre_hier--$(VERSION_SQL).sql

REGRESS := $(sort $(basename $(notdir $(wildcard $(SRC)/sql/*.sql))))
REGRESS_OPTS = --encoding=UTF8 --no-locale
EXTRA_CLEAN = $(BUILD)

# OpenBLAS is not linked: base/lapack.c opens it at run time, after blocking
# signals and forbidding it threads of its own.
SHLIB_LINK = $(GH_LIBS)
GH_LIBS = -lnlopt -ldl -lm -lpthread

# Bitcode would let the server's JIT inline our functions into a query.  They
# are calls into long loops, and files built for one instruction set each must
# not be inlined into code for another.
override with_llvm = no

# ---- flags ---------------------------------------------------------------

# The same for every object, after PGXS's own flags (which end in -O2).  Results
# are the same bytes on every machine: no contraction into fused operations, no
# reordering.  The two -fno-* allow vector code for sqrt and selects and change
# no result.
GH_CFLAGS = -std=gnu11 -O3 -fno-math-errno -fno-trapping-math -ffp-contract=off \
	-fno-strict-aliasing -fwrapv -fno-semantic-interposition \
	-Wall -Wextra -Wvla -Wshadow -Wmissing-prototypes -Wno-declaration-after-statement
# PostgreSQL's headers have unused parameters and mixed signs in inline functions.
GH_PG_CFLAGS = -Wno-unused-parameter -Wno-sign-compare -Wno-missing-field-initializers

# Instruction sets, chosen by the file's name and at run time by base/isa.c.
ifneq (,$(filter x86_64 amd64,$(shell uname -m)))
ISA_AVX2 = -mavx2
ISA_AVX512 = -mavx512f -mavx512dq -mavx512vl -mavx512bw -mprefer-vector-width=512
endif
isa_flags = $(if $(filter %_avx2.c,$(1)),$(ISA_AVX2))$(if $(filter %_avx512.c,$(1)),$(ISA_AVX512))

GH_INCLUDES = -I$(SRC)/src/core -I$(SRC)/src/pg

# ---- the extension -------------------------------------------------------

PG_CONFIG ?= pg_config
PGXS := $(shell $(PG_CONFIG) --pgxs 2>/dev/null)

ifneq (,$(wildcard $(PGXS)))
include $(PGXS)
else
# Without the server's development files the core can be built, and demo and
# test install what is missing.
CC ?= cc
all install installcheck uninstall:
	@echo "make $@ needs the development files of PostgreSQL: $(PG_CONFIG) --pgxs found none." >&2
	@echo "On Debian or Ubuntu: apt-get install postgresql-server-dev-all, or PG_CONFIG=/path/to/pg_config" >&2
	@exit 1
clean:
	rm -rf $(EXTRA_CLEAN)
endif

# Other flags or another compiler make every object anew, so that a build that treats
# warnings as errors has seen every file.
FLAGS_NOW := $(strip $(CC) $(CFLAGS) $(GH_CFLAGS) $(GH_PG_CFLAGS) $(COPT))
$(BUILD)/flags: always
	@mkdir -p $(@D)
	@echo '$(FLAGS_NOW)' | cmp -s - $@ || echo '$(FLAGS_NOW)' > $@

$(OBJS): $(BUILD)/ext/%.o: $(SRC)/src/%.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(GH_CFLAGS) $(if $(filter $(BUILD)/ext/core/%,$@),,$(GH_PG_CFLAGS)) $(call isa_flags,$<) \
		$(GH_INCLUDES) $(CPPFLAGS) -MMD -MP -c -o $@ $<

$(DATA_built): $(INSTALL_SQL)
	@mkdir -p $(@D)
	cat $^ > $@

-include $(OBJS:.o=.d)

# ---- the core library and its tests --------------------------------------

# $(1): name of the variant, $(2): its flags.  Library and tests in $$(BUILD)/$(1).
CORE_TESTS := $(if $(T),$(T),$(sort $(basename $(notdir $(wildcard $(SRC)/test/core/test_*.c)))))
CORE_CC ?= $(if $(filter default,$(origin CC)),cc,$(CC))

define core_variant
$(1)_OBJS := $$(patsubst src/core/%.c,$$(BUILD)/$(1)/%.o,$$(CORE_C))
$(1)_TESTS := $$(CORE_TESTS:%=$$(BUILD)/$(1)/test/%)

$$($(1)_OBJS): $$(BUILD)/$(1)/%.o: $$(SRC)/src/core/%.c $$(BUILD)/flags
	@mkdir -p $$(@D)
	$$(CORE_CC) -g $$(GH_CFLAGS) $(2) $$(call isa_flags,$$<) $$(COPT) -I$$(SRC)/src/core -MMD -MP -c -o $$@ $$<

$$(BUILD)/$(1)/libgenre_hier_core.a: $$($(1)_OBJS)
	rm -f $$@
	$$(AR) crs $$@ $$^

$$(BUILD)/$(1)/test/%: $$(SRC)/test/core/%.c $$(BUILD)/$(1)/libgenre_hier_core.a
	@mkdir -p $$(@D)
	$$(CORE_CC) -g $$(GH_CFLAGS) $(2) $$(COPT) -I$$(SRC)/src/core -I$$(SRC)/test/core -MMD -MP -o $$@ $$< \
		$$(BUILD)/$(1)/libgenre_hier_core.a -lcmocka $$(GH_LIBS)

-include $$($(1)_OBJS:.o=.d) $$($(1)_TESTS:=.d)
endef

AR ?= ar
comma := ,
$(eval $(call core_variant,core,))
$(eval $(call core_variant,asan,-O1 -fno-omit-frame-pointer -fsanitize=address$(comma)undefined -fno-sanitize-recover=all))
$(eval $(call core_variant,tsan,-O1 -fno-omit-frame-pointer -fsanitize=thread))
.PHONY: always core core-tests check-core check-asan check-tsan check-valgrind check-cancel check-clang check-borders check-pgtap check-docs demo test test-browser

core: $(BUILD)/core/libgenre_hier_core.a
core-tests: $(core_TESTS)

check-core: $(core_TESTS)
	@$(SRC)/test/run-core.sh plain $^

check-asan: $(asan_TESTS)
	@$(SRC)/test/run-core.sh asan $^

check-tsan: $(tsan_TESTS)
	@$(SRC)/test/run-core.sh tsan $^

check-valgrind: $(core_TESTS)
	@$(SRC)/test/run-core.sh valgrind $^

# Minutes at 1,000,000 rows, and by the clock: none of make test's.
ROWS ?= 1000000
THREADS ?= 2
check-cancel: $(BUILD)/core/test/cancel_gaps
	@$< $(ROWS) $(THREADS) 3 $(STAGE)

# Every file through clang's front end, warnings as errors; no output.
check-clang:
	@$(SRC)/test/check-clang.sh '$(SRC)' '$(GH_CFLAGS)' '$(ISA_AVX2)' '$(ISA_AVX512)' '$(GH_PG_CFLAGS) $(CPPFLAGS)'

check-borders: core
	@$(SRC)/test/check-borders.sh '$(SRC)' $(BUILD)/core/libgenre_hier_core.a $(GH_LIBS)

check-pgtap:
	@$(SRC)/test/run-pgtap.sh '$(SRC)' $(T)

check-docs:
	@$(SRC)/test/run-docs.sh '$(SRC)'

# ---- from a clean machine ------------------------------------------------

demo:
	@REPORT='$(abspath $(BUILD))/report.html' $(SRC)/docs/demo/run.sh

test:
	@$(SRC)/test/run-all.sh

test-browser:
	@$(SRC)/test/browser/run.sh
