/*
 * test_base.c
 *		The base of the core: context, threads, random numbers, kernels, bytes, container, sorts, LAPACK, NLopt.
 */
#include "testing.h"

#include <dirent.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

#include "base/gh_container.h"
#include "base/gh_isa.h"
#include "base/gh_kernels.h"
#include "base/gh_lapack.h"
#include "base/gh_optimize.h"
#include "base/gh_random.h"
#include "base/gh_sort.h"
#include "base/gh_threads.h"

/* ThreadSanitizer has a thread of its own from the first one that is started. */
#ifdef __SANITIZE_THREAD__
#define THREADS_BESIDES 1
#else
#define THREADS_BESIDES 0
#endif

static int
threads_alive(void)
{
	DIR		   *dir = opendir("/proc/self/task");
	struct dirent *entry;
	int			n = 0;

	assert_non_null(dir);
	while ((entry = readdir(dir)) != NULL)
		if (entry->d_name[0] != '.')
			n++;
	closedir(dir);
	return n - THREADS_BESIDES;
}

/* A joined thread may show in /proc for a moment after pthread_join returns. */
static void
assert_one_thread(void)
{
	for (int i = 0; i < 200 && threads_alive() > 1; i++)
	{
		struct timespec pause = {0, 5000000};

		nanosleep(&pause, NULL);
	}
	assert_true(threads_alive() <= 1);
}

/* ---- context ---------------------------------------------------------- */

static void
memory_is_counted_and_bounded(void **state)
{
	gh_host		host = {.memory_limit = 1000, .threads = 1, .memory_setting = "work_mem"};
	gh_ctx	   *ctx = gh_ctx_open(&host);
	char	   *a = gh_alloc(ctx, 600, 1);
	char	   *b;

	(void) state;
	assert_non_null(a);
	assert_int_equal((uintptr_t) a % 64, 0);
	memset(a, 7, 600);
	assert_int_equal(gh_memory_used(ctx), 600);
	assert_null(gh_alloc(ctx, 401, 1));
	assert_int_equal(gh_ctx_status(ctx), GH_ELIMIT);
	assert_non_null(strstr(gh_ctx_message(ctx), "work_mem"));
	assert_non_null(gh_ctx_hint(ctx));
	b = gh_realloc(ctx, a, 500, 1);
	assert_null(b);				/* both blocks at once do not fit: the old one stays */
	assert_int_equal(a[599], 7);
	gh_free(ctx, a);
	assert_int_equal(gh_memory_used(ctx), 0);
	assert_int_equal(gh_memory_peak(ctx), 600);
	assert_null(gh_alloc(ctx, SIZE_MAX / 2, 4));
	gh_ctx_close(ctx);
}

static void
first_failure_stays(void **state)
{
	gh_ctx	   *ctx = gh_ctx_open(NULL);

	(void) state;
	assert_int_equal(gh_fail(ctx, GH_EDATA, "row %d", 3), GH_EDATA);
	gh_fail_detail(ctx, "Because.");
	assert_int_equal(gh_fail(ctx, GH_ENOMEM, "echo"), GH_EDATA);
	assert_string_equal(gh_ctx_message(ctx), "row 3");
	assert_string_equal(gh_ctx_detail(ctx), "Because.");
	assert_null(gh_ctx_hint(ctx));
	gh_ctx_close(ctx);
}

static void
allocation_failure_is_injected(void **state)
{
	gh_ctx	   *ctx = gh_ctx_open(NULL);

	(void) state;
	gh_ctx_fail_allocation(ctx, 2, false);
	assert_non_null(gh_alloc(ctx, 1, 1));
	assert_null(gh_alloc(ctx, 1, 1));
	assert_int_equal(gh_ctx_status(ctx), GH_ENOMEM);
	assert_non_null(gh_alloc(ctx, 1, 1));
	gh_ctx_close(ctx);			/* frees what is still allocated: valgrind sees it */
}

/* ---- threads ---------------------------------------------------------- */

static gh_status
square(gh_ctx *ctx, void *arg, size_t task, int worker)
{
	sigset_t	mask;

	if (gh_threads_here(ctx) != 1)
		return gh_fail(ctx, GH_EINTERNAL, "a task would have threads");
	((uint64_t *) arg)[task] = task * task;
	pthread_sigmask(SIG_SETMASK, NULL, &mask);
	if (worker != 0 && (!sigismember(&mask, SIGINT) || !sigismember(&mask, SIGALRM) || !sigismember(&mask, SIGUSR1)))
		return gh_fail(ctx, GH_EINTERNAL, "worker with open signals");
	return GH_OK;
}

static void
tasks_all_run_and_threads_end(void **state)
{
	static uint64_t out[1000];

	(void) state;
	for (int threads = 1; threads <= 8; threads *= 2)
	{
		gh_host		host = {.threads = threads, .memory_limit = SIZE_MAX};
		gh_ctx	   *ctx = gh_ctx_open(&host);

		for (int round = 0; round < 50; round++)
		{
			/* workers watch for work for a while, then sleep */
			if (round % 10 == 9)
				usleep(2000);
			memset(out, 0, sizeof(out));
			assert_int_equal(gh_threads_here(ctx), threads);
			assert_int_equal(gh_parallel(ctx, 1000, square, out), GH_OK);
			for (size_t i = 0; i < 1000; i++)
				assert_int_equal(out[i], i * i);
		}
		gh_ctx_close(ctx);
		assert_one_thread();
	}
}

static gh_status
fail_at_37(gh_ctx *ctx, void *arg, size_t task, int worker)
{
	(void) worker;
	atomic_fetch_add((atomic_int *) arg, 1);
	return task == 37 ? gh_fail(ctx, GH_EDATA, "task 37") : GH_OK;
}

static void
failure_stops_the_others(void **state)
{
	gh_host		host = {.threads = 4, .memory_limit = SIZE_MAX};
	gh_ctx	   *ctx = gh_ctx_open(&host);
	atomic_int	ran = 0;

	(void) state;
	assert_int_equal(gh_parallel(ctx, 1000000, fail_at_37, &ran), GH_EDATA);
	assert_string_equal(gh_ctx_message(ctx), "task 37");
	assert_true(ran < 1000000);
	gh_ctx_close(ctx);
	assert_one_thread();
}

static gh_status
spin_until_stopped(gh_ctx *ctx, void *arg, size_t task, int worker)
{
	(void) arg;
	(void) task;
	(void) worker;
	while (!gh_should_stop(ctx))
	{
	}
	return gh_canceled(ctx);
}

static void
cancel_reaches_every_thread(void **state)
{
	(void) state;
	for (int threads = 1; threads <= 4; threads *= 4)
	{
		gh_host		host = {.should_stop = stop_after_polls, .threads = threads, .memory_limit = SIZE_MAX};
		gh_ctx	   *ctx = gh_ctx_open(&host);

		polls_left = 10;
		assert_int_equal(gh_parallel(ctx, 4, spin_until_stopped, NULL), GH_ECANCELED);
		gh_ctx_close(ctx);
		assert_one_thread();
	}
}

static void
chunks_cover_everything_once(void **state)
{
	(void) state;
	for (size_t n = 0; n < 50; n++)
	{
		size_t		at = 0;

		for (size_t c = 0; c < 7; c++)
		{
			size_t		begin,
						end;

			gh_chunk(n, 7, c, &begin, &end);
			assert_int_equal(begin, at);
			at = end;
		}
		assert_int_equal(at, n);
	}
}

/* ---- random numbers --------------------------------------------------- */

static void
philox_known_answers(void **state)
{
	/* from the paper's test vectors: counter and key of zeros */
	gh_random4	r = gh_random_block(0, 0, 0);

	(void) state;
	assert_int_equal(r.v[0], 0x6627e8d5);
	assert_int_equal(r.v[1], 0xe169c58d);
	assert_int_equal(r.v[2], 0xbc57ac4c);
	assert_int_equal(r.v[3], 0x9b00dbd8);
}

static void
random_moments(void **state)
{
	double		sum = 0.0,
				square_sum = 0.0,
				uniform = 0.0;
	const int	n = 100000;

	(void) state;
	for (int i = 0; i < n; i++)
	{
		double		z = gh_random_normal(42, GH_STREAM_TEST, (uint64_t) i);

		sum += z;
		square_sum += z * z;
		uniform += gh_random_double(42, GH_STREAM_TEST + 1, (uint64_t) i);
	}
	assert_true(fabs(sum / n) < 5.0 / sqrt(n));
	assert_true(fabs(square_sum / n - 1.0) < 5.0 * sqrt(2.0 / n));
	assert_true(fabs(uniform / n - 0.5) < 5.0 * sqrt(1.0 / 12.0 / n));
	assert_true(gh_random_seed(1, 2, 3) != gh_random_seed(1, 3, 2));
}

static void
shuffle_is_a_permutation(void **state)
{
	uint32_t	values[100];
	bool		seen[100] = {false};
	int			fixed = 0;

	(void) state;
	for (uint32_t i = 0; i < 100; i++)
		values[i] = i;
	gh_random_shuffle(7, GH_STREAM_TEST, values, 100);
	for (uint32_t i = 0; i < 100; i++)
	{
		assert_false(seen[values[i]]);
		seen[values[i]] = true;
		fixed += values[i] == i;
	}
	assert_true(fixed < 10);
}

/* ---- kernels ---------------------------------------------------------- */

#define KERNEL_N 331

static void
fill(double *x, size_t n, uint32_t stream)
{
	for (size_t i = 0; i < n; i++)
		x[i] = gh_random_normal(5, stream, i);
}

static void
kernels_agree_to_the_bit(void **state)
{
	static double block[KERNEL_N * 14],
				out[KERNEL_N];
	double		sums[2] = {0};

	(void) state;
	fill(block, KERNEL_N * 14, GH_STREAM_TEST + 2);
	block[3] = block[0];
	for (int isa = GH_ISA_SCALAR; isa <= GH_ISA_AVX512; isa++)
	{
		const gh_kernels *k;
		double		q[14];
		double		now[2];

		gh_isa_limit((gh_isa) isa);
		k = gh_kernels_get();
		for (int j = 0; j < 14; j++)
			q[j] = block[j * KERNEL_N];
		k->distances2(block, KERNEL_N, KERNEL_N, 14, q, out);
		for (int i = 0; i < KERNEL_N; i++)
		{
			double		d2 = 0.0;

			for (int j = 0; j < 14; j++)
				d2 += (block[j * KERNEL_N + i] - q[j]) * (block[j * KERNEL_N + i] - q[j]);
			assert_true(out[i] == d2);
		}
		now[0] = k->inverse_power_sum(block, KERNEL_N, KERNEL_N, 2, q, 2);
		now[1] = k->inverse_power_sum(block, KERNEL_N, KERNEL_N, 14, q, 14);
		if (isa == GH_ISA_SCALAR)
			memcpy(sums, now, sizeof(sums));
		assert_memory_equal(sums, now, sizeof(sums));
	}
	gh_isa_limit(GH_ISA_AVX512);
}

static void
kernels_are_right(void **state)
{
	static double block[KERNEL_N * 5];
	const gh_kernels *k = gh_kernels_get();
	double		q[5];

	(void) state;
	fill(block, KERNEL_N * 5, GH_STREAM_TEST + 3);
	for (int j = 0; j < 5; j++)
		q[j] = block[j * KERNEL_N + 11];
	for (int power = 1; power <= 5; power++)
	{
		double		sum = 0.0,
					got = k->inverse_power_sum(block, KERNEL_N, KERNEL_N, 5, q, power);

		for (int i = 0; i < KERNEL_N; i++)
		{
			double		d2 = 0.0;

			for (int j = 0; j < 5; j++)
				d2 += (block[j * KERNEL_N + i] - q[j]) * (block[j * KERNEL_N + i] - q[j]);
			if (d2 > 0.0)
				sum += pow(1.0 / sqrt(d2), power);
		}
		assert_true(fabs(got - sum) <= 1e-13 * sum);
	}
}

/* ---- bytes and container ---------------------------------------------- */

static void
bytes_round_trip_and_stop_at_the_end(void **state)
{
	gh_ctx	   *ctx = gh_ctx_open(NULL);
	gh_writer	w;
	gh_reader	r;
	char	   *s;

	(void) state;
	gh_writer_init(&w, ctx);
	gh_write_u8(&w, 200);
	gh_write_u16(&w, 60000);
	gh_write_u32(&w, 4000000000u);
	gh_write_u64(&w, UINT64_C(1) << 63);
	gh_write_f32(&w, -1.5f);
	gh_write_f64(&w, 1e300);
	gh_write_string(&w, "caf\xc3\xa9");
	assert_int_equal(w.status, GH_OK);

	gh_reader_init(&r, w.bytes, w.length);
	assert_int_equal(gh_read_u8(&r), 200);
	assert_int_equal(gh_read_u16(&r), 60000);
	assert_int_equal(gh_read_u32(&r), 4000000000u);
	assert_true(gh_read_u64(&r) == UINT64_C(1) << 63);
	assert_true(gh_read_f32(&r) == -1.5f);
	assert_true(gh_read_f64(&r) == 1e300);
	s = gh_read_string(&r, ctx, 100);
	assert_string_equal(s, "caf\xc3\xa9");
	assert_true(gh_reader_at_end(&r));
	assert_int_equal(gh_read_u32(&r), 0);
	assert_false(r.ok);
	assert_int_equal(r.bad_offset, w.length);
	gh_ctx_close(ctx);
}

static void
bad_text_is_refused(void **state)
{
	static const char *const bad[] = {"\xff", "\xc3", "\xc0\xaf", "\xed\xa0\x80", "\xf5\x80\x80\x80", "\xe2\x82"};
	gh_ctx	   *ctx = gh_ctx_open(NULL);

	(void) state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
	{
		gh_writer	w;
		gh_reader	r;

		gh_writer_init(&w, ctx);
		gh_write_string(&w, bad[i]);
		gh_reader_init(&r, w.bytes, w.length);
		assert_null(gh_read_string(&r, ctx, 100));
		assert_false(r.ok);
		gh_free(ctx, w.bytes);
	}
	gh_ctx_close(ctx);
}

static void
counts_are_bounded_by_the_bytes_left(void **state)
{
	const uint8_t bytes[] = {3, 0, 0, 0, 1, 2, 3};
	gh_reader	r;

	(void) state;
	gh_reader_init(&r, bytes, sizeof(bytes));
	assert_int_equal(gh_read_count(&r, 1, 100), 3);
	gh_reader_init(&r, bytes, sizeof(bytes));
	assert_int_equal(gh_read_count(&r, 2, 100), 0);
	assert_false(r.ok);
	gh_reader_init(&r, bytes, sizeof(bytes));
	assert_int_equal(gh_read_count(&r, 1, 2), 0);
	assert_false(r.ok);
}

static void
crc_known_answer(void **state)
{
	(void) state;
	assert_int_equal(gh_crc32c("123456789", 9), 0xE3069283);
	assert_int_equal(gh_crc32c("", 0), 0);
}

static void
make_container(gh_ctx *ctx, uint8_t **bytes, size_t *length)
{
	gh_container_writer w;

	gh_container_begin(&w, ctx, GH_MODEL_BOOST);
	gh_write_string(gh_container_add(&w, GH_TAG('A', 'A', 'A', 'A')), "first");
	gh_write_u64(gh_container_add(&w, GH_TAG('B', 'B', 'B', 'B')), 77);
	assert_int_equal(gh_container_finish(&w, bytes, length), GH_OK);
}

static void
container_round_trip(void **state)
{
	gh_ctx	   *ctx = gh_ctx_open(NULL);
	gh_container c;
	gh_reader	r;
	uint8_t    *bytes;
	size_t		length;

	(void) state;
	make_container(ctx, &bytes, &length);
	assert_int_equal(gh_container_open(ctx, bytes, length, GH_MODEL_BOOST, &c), GH_OK);
	assert_int_equal(gh_container_section(ctx, &c, GH_TAG('B', 'B', 'B', 'B'), &r), GH_OK);
	assert_int_equal(gh_read_u64(&r), 77);
	assert_true(gh_reader_at_end(&r));
	assert_int_equal(gh_container_section(ctx, &c, GH_TAG('C', 'C', 'C', 'C'), &r), GH_ECORRUPT);
	gh_ctx_close(ctx);
}

static void
damaged_containers_are_refused(void **state)
{
	gh_ctx	   *maker = gh_ctx_open(NULL);
	uint8_t    *bytes;
	size_t		length;

	(void) state;
	make_container(maker, &bytes, &length);
	for (size_t n = 0; n < length; n++)
	{
		gh_ctx	   *ctx = gh_ctx_open(NULL);
		gh_container c;

		assert_int_equal(gh_container_open(ctx, bytes, n, 0, &c), GH_ECORRUPT);
		assert_non_null(gh_ctx_hint(ctx));
		gh_ctx_close(ctx);
	}
	for (size_t bit = 0; bit < length * 8; bit++)
	{
		gh_ctx	   *ctx = gh_ctx_open(NULL);
		gh_container c;

		bytes[bit / 8] ^= (uint8_t) (1 << bit % 8);
		assert_int_equal(gh_container_open(ctx, bytes, length, GH_MODEL_BOOST, &c), GH_ECORRUPT);
		bytes[bit / 8] ^= (uint8_t) (1 << bit % 8);
		gh_ctx_close(ctx);
	}
	gh_ctx_close(maker);
}

/* ---- sorts ------------------------------------------------------------ */

static void
argsort_is_total(void **state)
{
	gh_ctx	   *ctx = gh_ctx_open(NULL);
	double		values[500];
	uint32_t	index[500];

	(void) state;
	for (int i = 0; i < 500; i++)
		values[i] = floor(gh_random_normal(3, GH_STREAM_TEST + 4, (uint64_t) i) * 4.0);
	values[7] = -0.0;
	values[9] = INFINITY;
	values[11] = -INFINITY;
	assert_int_equal(gh_argsort(ctx, values, 500, index), GH_OK);
	for (int i = 1; i < 500; i++)
	{
		double		a = values[index[i - 1]],
					b = values[index[i]];

		assert_true(a < b || (a == b && index[i - 1] < index[i]));
	}
	assert_int_equal(gh_argsort_descending(ctx, values, 500, index), GH_OK);
	for (int i = 1; i < 500; i++)
	{
		double		a = values[index[i - 1]],
					b = values[index[i]];

		assert_true(a > b || (a == b && index[i - 1] < index[i]));
	}
	assert_int_equal(gh_argsort(ctx, values, 0, index), GH_OK);
	gh_ctx_close(ctx);
}

/* ---- LAPACK and NLopt -------------------------------------------------- */

static void
lapack_starts_no_thread_and_solves(void **state)
{
	gh_ctx	   *ctx = gh_ctx_open(NULL);
	double		a[9] = {4, 1, 0, 1, 3, 1, 0, 1, 2},
				l[9],
				v[9],
				w[3],
				b[3] = {1, 2, 3};
	bool		ok;

	(void) state;
	assert_int_equal(gh_lapack_load(ctx), GH_OK);
	assert_true(threads_alive() <= 1);
	memcpy(l, a, sizeof(a));
	assert_int_equal(gh_lapack_cholesky(ctx, 3, l, &ok), GH_OK);
	assert_true(ok);
	assert_true(l[3] == 0.0);
	assert_int_equal(gh_lapack_cholesky_solve(ctx, 3, l, 1, b), GH_OK);
	for (int i = 0; i < 3; i++)
		assert_true(fabs(a[i] * b[0] + a[3 + i] * b[1] + a[6 + i] * b[2] - (i + 1)) < 1e-14);
	memcpy(v, a, sizeof(a));
	assert_int_equal(gh_lapack_eigen(ctx, 3, v, w), GH_OK);
	for (int k = 0; k < 3; k++)
		for (int i = 0; i < 3; i++)
			assert_true(fabs(a[i] * v[3 * k] + a[3 + i] * v[3 * k + 1] + a[6 + i] * v[3 * k + 2] - w[k] * v[3 * k + i]) < 1e-13);
	a[0] = -4;
	assert_int_equal(gh_lapack_cholesky(ctx, 3, a, &ok), GH_OK);
	assert_false(ok);
	assert_true(threads_alive() <= 1);
	gh_ctx_close(ctx);
}

static void
orthonormal_columns(void **state)
{
	gh_ctx	   *ctx = gh_ctx_open(NULL);
	double		a[40],
				product[16];

	(void) state;
	fill(a, 40, GH_STREAM_TEST + 5);
	assert_int_equal(gh_lapack_orthonormalize(ctx, 10, 4, a), GH_OK);
	assert_int_equal(gh_blas_gemm(ctx, 'T', 'N', 4, 4, 10, 1.0, a, 10, a, 10, 0.0, product, 4), GH_OK);
	for (int i = 0; i < 16; i++)
		assert_true(fabs(product[i] - (i % 5 == 0)) < 1e-14);
	gh_ctx_close(ctx);
}

static double
rosenbrock(int n, const double *x, double *gradient, void *arg)
{
	double		a = 1.0 - x[0],
				b = x[1] - x[0] * x[0];

	(void) n;
	(void) arg;
	if (gradient != NULL)
	{
		gradient[0] = -2.0 * a - 400.0 * x[0] * b;
		gradient[1] = 200.0 * b;
	}
	return a * a + 100.0 * b * b;
}

static void
minimum_is_found_in_the_box(void **state)
{
	gh_ctx	   *ctx = gh_ctx_open(NULL);
	double		lower[2] = {-5, -5},
				upper[2] = {5, 5},
				x[2] = {-1.2, 1.0},
				value;

	(void) state;
	assert_int_equal(gh_minimize(ctx, 2, rosenbrock, NULL, lower, upper, 1e-14, 2000, x, &value), GH_OK);
	assert_true(fabs(x[0] - 1.0) < 1e-5 && fabs(x[1] - 1.0) < 1e-5);
	upper[0] = 0.5;
	x[0] = 3.0;					/* outside: is clamped */
	assert_int_equal(gh_minimize(ctx, 2, rosenbrock, NULL, lower, upper, 1e-14, 2000, x, &value), GH_OK);
	assert_true(fabs(x[0] - 0.5) < 1e-6 && fabs(x[1] - 0.25) < 1e-5);
	gh_ctx_close(ctx);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(memory_is_counted_and_bounded),
		cmocka_unit_test(first_failure_stays),
		cmocka_unit_test(allocation_failure_is_injected),
		cmocka_unit_test(tasks_all_run_and_threads_end),
		cmocka_unit_test(failure_stops_the_others),
		cmocka_unit_test(cancel_reaches_every_thread),
		cmocka_unit_test(chunks_cover_everything_once),
		cmocka_unit_test(philox_known_answers),
		cmocka_unit_test(random_moments),
		cmocka_unit_test(shuffle_is_a_permutation),
		cmocka_unit_test(kernels_agree_to_the_bit),
		cmocka_unit_test(kernels_are_right),
		cmocka_unit_test(bytes_round_trip_and_stop_at_the_end),
		cmocka_unit_test(bad_text_is_refused),
		cmocka_unit_test(counts_are_bounded_by_the_bytes_left),
		cmocka_unit_test(crc_known_answer),
		cmocka_unit_test(container_round_trip),
		cmocka_unit_test(damaged_containers_are_refused),
		cmocka_unit_test(argsort_is_total),
		cmocka_unit_test(lapack_starts_no_thread_and_solves),
		cmocka_unit_test(orthonormal_columns),
		cmocka_unit_test(minimum_is_found_in_the_box),
	};

	return cmocka_run_group_tests_name("base", tests, NULL, NULL);
}
