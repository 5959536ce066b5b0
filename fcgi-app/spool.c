#include "spool.h"

#include "xalloc.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* Positions count bytes since the beginning and never wrap; modulo the size they are places in the ring. Each record is its length in 8 bytes and then its
 * bytes, rounded up to 8. SKIP says that the next one is at the ring's start. */
#define ALIGN 8u
#define SKIP UINT64_MAX

struct ring {
	_Atomic uint64_t head, tail; /* put at head, take from tail */
	_Atomic uint64_t put, taken; /* records, not packs */
	_Atomic uint64_t told;
	unsigned char data[];
};

struct spool {
	struct ring *ring;
	size_t size;                 /* of data */
};

struct spool *spool_new(size_t bytes)
{
	size_t whole = (bytes + sizeof(struct ring) + 4095) & ~(size_t)4095;
	void *memory = mmap(NULL, whole, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (memory == MAP_FAILED)
		return NULL;
	struct spool *spool = xmalloc(sizeof *spool);
	*spool = (struct spool){memory, (whole - sizeof(struct ring)) & ~(size_t)(ALIGN - 1)};
	return spool;
}

void spool_free(struct spool **spool)
{
	if (!*spool)
		return;
	munmap((*spool)->ring, ((*spool)->size + sizeof(struct ring) + 4095) & ~(size_t)4095);
	free(*spool);
	*spool = NULL;
}

static void put_length(struct spool *spool, uint64_t at, uint64_t length)
{
	memcpy(spool->ring->data + at % spool->size, &length, sizeof length);
}

/* An entry, if no more than `most` bytes of the ring are in use then. */
static bool put(struct spool *spool, const void *bytes, size_t size, uint64_t most, uint64_t records)
{
	struct ring *ring = spool->ring;
	uint64_t head = atomic_load_explicit(&ring->head, memory_order_relaxed);
	uint64_t tail = atomic_load_explicit(&ring->tail, memory_order_acquire);
	uint64_t need = ALIGN + ((size + ALIGN - 1) & ~(uint64_t)(ALIGN - 1));
	uint64_t rest = spool->size - head % spool->size; /* at least ALIGN: all positions are multiples of it */
	uint64_t skip = rest < need ? rest : 0;
	if (need + skip + (head - tail) > most)
		return false;
	if (skip)
		put_length(spool, head, SKIP);
	put_length(spool, head + skip, size);
	memcpy(ring->data + (head + skip) % spool->size + ALIGN, bytes, size);
	atomic_fetch_add_explicit(&ring->put, records, memory_order_relaxed);
	atomic_store_explicit(&ring->head, head + skip + need, memory_order_release);
	return true;
}

bool spool_put(struct spool *spool, const void *bytes, size_t size)
{
	return put(spool, bytes, size, spool->size, 1);
}

bool spool_put_pack(struct spool *spool, const void *bytes, size_t size)
{
	return put(spool, bytes, size, spool->size / 2, 0);
}

void spool_first(const struct spool *spool, struct spool_cursor *cursor_r)
{
	cursor_r->at = atomic_load_explicit(&spool->ring->tail, memory_order_relaxed);
}

bool spool_next(const struct spool *spool, struct spool_cursor *cursor, const unsigned char **bytes_r, size_t *size_r)
{
	uint64_t head = atomic_load_explicit(&spool->ring->head, memory_order_acquire), length;
	if (cursor->at >= head)
		return false;
	memcpy(&length, spool->ring->data + cursor->at % spool->size, sizeof length);
	if (length == SKIP) {
		cursor->at += spool->size - cursor->at % spool->size;
		memcpy(&length, spool->ring->data, sizeof length);
	}
	*bytes_r = spool->ring->data + cursor->at % spool->size + ALIGN;
	*size_r = (size_t)length;
	cursor->at += ALIGN + ((length + ALIGN - 1) & ~(uint64_t)(ALIGN - 1));
	return true;
}

void spool_release(struct spool *spool, const struct spool_cursor *cursor, uint64_t records)
{
	atomic_fetch_add_explicit(&spool->ring->taken, records, memory_order_relaxed);
	atomic_store_explicit(&spool->ring->tail, cursor->at, memory_order_release);
}

bool spool_told(const struct spool *spool, const struct spool_cursor *cursor)
{
	return cursor->at <= atomic_load_explicit(&spool->ring->told, memory_order_relaxed);
}

void spool_tell(struct spool *spool, const struct spool_cursor *cursor)
{
	atomic_store_explicit(&spool->ring->told, cursor->at, memory_order_relaxed);
}

uint64_t spool_records(const struct spool *spool)
{
	uint64_t taken = atomic_load_explicit(&spool->ring->taken, memory_order_relaxed);
	uint64_t put = atomic_load_explicit(&spool->ring->put, memory_order_relaxed);
	return put > taken ? put - taken : 0;
}

uint64_t spool_bytes(const struct spool *spool)
{
	uint64_t tail = atomic_load_explicit(&spool->ring->tail, memory_order_relaxed);
	uint64_t head = atomic_load_explicit(&spool->ring->head, memory_order_relaxed);
	return head > tail ? head - tail : 0;
}
