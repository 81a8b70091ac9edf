// Runs the threads of one block as fibers, and says so when a barrier can never open.
//
//     run_block:   every fiber that can run does, in the chosen order, until it waits or returns
//                  warp operations and barriers that all their threads have reached are opened
//                  none opened, and somebody still waits: that is a divergent barrier
#pragma once

#include <algorithm>
#include <csetjmp>
#include <cstdarg>
#include <cstdio>
#include <cstring>
#include <link.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>
#include <utility>
#include <vector>

#include "language.h"

namespace cuda_cpu {

constexpr unsigned MAX_THREADS = 1024;
constexpr size_t STACK_BYTES = 256 * 1024;
constexpr int POISON = 0xff;  // bytes of ones: NaN as a float, -1 as an int

enum class State { ready, at_barrier, at_warp_operation, returned };

// Where in the source a thread waits.
struct Place {
    const char* operation;
    const char* file;
    int line;
    bool operator==(const Place& other) const {
        return !strcmp(operation, other.operation) && !strcmp(file, other.file) &&
               line == other.line;
    }
};

struct Fiber {
    unsigned number;  // its position in the block, x fastest; number % 32 is its lane
    uint3 index;      // its threadIdx
    State state = State::ready;
    Place place = {"", "", 0};
    bool started = false;  // whether `resume_point` holds a place to go on from
    ucontext_t context;
    jmp_buf resume_point;

    int vote = 0;              // what it brings to __syncthreads_count and the like
    unsigned lanes = 0;        // the mask it gave to a warp operation
    uint64_t offered = 0;      // what it shows to the other lanes
    uint64_t received[32];     // what they showed when the operation opened
};

struct Scheduler {
    Fiber fibers[MAX_THREADS];
    unsigned threads = 0;  // in a block of this launch
    Fiber* running = nullptr;
    jmp_buf home;          // back into the scheduler

    void (*kernel)(void*) = nullptr;
    void* arguments = nullptr;

    int votes = 0;  // of the barrier that opened last
    char error[4096] = "";

    char* shared = nullptr;  // the block's shared memory
    size_t shared_bytes = 0;
};

inline Scheduler scheduler;

// ------------------------------------------------------------------------------------- errors

inline bool failed() { return scheduler.error[0] != '\0'; }

// Append to the launch's error message.
__attribute__((format(printf, 1, 2))) inline void say(const char* format, ...) {
    size_t used = strlen(scheduler.error);
    va_list values;
    va_start(values, format);
    vsnprintf(scheduler.error + used, sizeof(scheduler.error) - used, format, values);
    va_end(values);
}

inline void say_thread(const Fiber& fiber) {
    say("thread (%u, %u, %u) of block (%u, %u, %u)", fiber.index.x, fiber.index.y, fiber.index.z,
        blockIdx.x, blockIdx.y, blockIdx.z);
}

// Called in a fiber, after `say`: leave it for good and end the launch.
[[noreturn]] inline void give_up() { _longjmp(scheduler.home, 1); }

// ------------------------------------------------------------------------------ shared memory

inline thread_local char shared_memory_anchor = 0;

inline int find_shared_memory(dl_phdr_info* module, size_t, void*) {
    char* begin = static_cast<char*>(module->dlpi_tls_data);
    if (begin == nullptr) return 0;
    for (int i = 0; i < module->dlpi_phnum; ++i) {
        size_t bytes = module->dlpi_phdr[i].p_memsz;
        bool here = &shared_memory_anchor >= begin && &shared_memory_anchor < begin + bytes;
        if (module->dlpi_phdr[i].p_type == PT_TLS && here) {
            scheduler.shared = begin;
            scheduler.shared_bytes = bytes;
            return 1;
        }
    }
    return 0;
}

inline void locate_shared_memory() {
    shared_memory_anchor = 1;  // the C library allocates thread-local storage at its first use
    dl_iterate_phdr(find_shared_memory, nullptr);
}

inline void poison_shared_memory() {
    memset(scheduler.shared, POISON, scheduler.shared_bytes);
}

// -------------------------------------------------------------------------------------- fibers

// One stack per fiber, each with an unreadable page below it, so that overflow is a fault and not
// a changed neighbour. Untouched pages cost nothing.
inline char* stack_of(unsigned number) {
    static char* stacks = [] {
        void* memory = mmap(nullptr, MAX_THREADS * STACK_BYTES, PROT_READ | PROT_WRITE,
                            MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (memory == MAP_FAILED) return static_cast<char*>(nullptr);
        char* begin = static_cast<char*>(memory);
        const size_t page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
        for (unsigned i = 0; i < MAX_THREADS; ++i)
            mprotect(begin + i * STACK_BYTES, page, PROT_NONE);
        return begin;
    }();
    return stacks + number * STACK_BYTES;
}

// Fiber → scheduler: wait in `state` at `place`. Returns when the scheduler resumes the fiber.
__attribute__((noinline)) inline void wait(State state, Place place) {
    Fiber* self = scheduler.running;
    self->state = state;
    self->place = place;
    if (!_setjmp(self->resume_point)) _longjmp(scheduler.home, 1);
}

// The life of a fiber: the kernel once per block, for as many blocks as there are.
inline void live() {
    for (;;) {
        scheduler.kernel(scheduler.arguments);
        wait(State::returned, {"return", "", 0});
    }
}

// Scheduler → fiber. A ucontext puts the fiber onto its stack, once; from then on _setjmp and
// _longjmp switch without a system call.
__attribute__((noinline)) inline void resume(Fiber& fiber) {
    scheduler.running = &fiber;
    threadIdx = fiber.index;
    if (_setjmp(scheduler.home)) return;
    if (fiber.started) _longjmp(fiber.resume_point, 1);
    fiber.started = true;
    getcontext(&fiber.context);
    fiber.context.uc_stack.ss_sp = stack_of(fiber.number);
    fiber.context.uc_stack.ss_size = STACK_BYTES;
    fiber.context.uc_link = nullptr;
    makecontext(&fiber.context, live, 0);
    setcontext(&fiber.context);
}

// ------------------------------------------------------------------------------------ barriers

inline unsigned warp_begin(const Fiber& fiber) { return fiber.number & ~31u; }

// The lanes of the warp that starts at thread `begin`: the last warp of a block may be partial.
inline unsigned existing_lanes(unsigned begin) {
    unsigned count = std::min(32u, scheduler.threads - begin);
    return count == 32 ? ~0u : (1u << count) - 1;
}

// The lanes that wait at the same operation, with the same mask, as `fiber`.
inline unsigned lanes_waiting_with(const Fiber& fiber) {
    unsigned begin = warp_begin(fiber), lanes = 0;
    for (unsigned i = begin; i < std::min(begin + 32, scheduler.threads); ++i) {
        const Fiber& other = scheduler.fibers[i];
        if (other.state == State::at_warp_operation && other.lanes == fiber.lanes &&
            other.place == fiber.place)
            lanes |= 1u << (i - begin);
    }
    return lanes;
}

// Open a warp operation when every lane its mask names has arrived. Each of them receives what
// those lanes offered; the lanes that aren't there read as NaN.
inline bool open_warp_operation(const Fiber& fiber) {
    unsigned begin = warp_begin(fiber), arrived = lanes_waiting_with(fiber);
    if (fiber.lanes & existing_lanes(begin) & ~arrived) return false;
    Fiber* warp = &scheduler.fibers[begin];
    uint64_t offered[32];
    memset(offered, POISON, sizeof offered);
    for (unsigned lane = 0; lane < 32; ++lane)
        if (arrived >> lane & 1) offered[lane] = warp[lane].offered;
    for (unsigned lane = 0; lane < 32; ++lane) {
        if (!(arrived >> lane & 1)) continue;
        memcpy(warp[lane].received, offered, sizeof offered);
        warp[lane].state = State::ready;
    }
    return true;
}

inline bool open_warp_operations() {
    bool opened = false;
    for (unsigned i = 0; i < scheduler.threads; ++i)
        if (scheduler.fibers[i].state == State::at_warp_operation)
            opened |= open_warp_operation(scheduler.fibers[i]);
    return opened;
}

// Open the block's barrier when every thread of the block waits at the same one.
inline bool open_barrier() {
    const Fiber& first = scheduler.fibers[0];
    for (unsigned i = 0; i < scheduler.threads; ++i) {
        const Fiber& fiber = scheduler.fibers[i];
        if (fiber.state != State::at_barrier || !(fiber.place == first.place)) return false;
    }
    scheduler.votes = 0;
    for (unsigned i = 0; i < scheduler.threads; ++i) {
        scheduler.votes += scheduler.fibers[i].vote;
        scheduler.fibers[i].state = State::ready;
    }
    return true;
}

inline bool all_returned() {
    for (unsigned i = 0; i < scheduler.threads; ++i)
        if (scheduler.fibers[i].state != State::returned) return false;
    return true;
}

// Nobody can go on: say how many threads wait where, and name the first of each.
inline void report_divergence() {
    say("divergent barrier: every thread of a block must reach the same __syncthreads(), and every "
        "lane of the mask the same warp operation.");
    bool reported[MAX_THREADS] = {};
    for (unsigned i = 0; i < scheduler.threads; ++i) {
        const Fiber& fiber = scheduler.fibers[i];
        if (reported[i]) continue;
        unsigned count = 0;
        for (unsigned j = i; j < scheduler.threads; ++j) {
            bool same = scheduler.fibers[j].state == fiber.state &&
                        scheduler.fibers[j].place == fiber.place;
            reported[j] |= same;
            count += same;
        }
        if (fiber.state == State::returned)
            say(" %u of %u threads have returned, first ", count, scheduler.threads);
        else
            say(" %u of %u threads wait in %s at %s:%d, first ", count, scheduler.threads,
                fiber.place.operation, fiber.place.file, fiber.place.line);
        say_thread(fiber);
        say(".");
    }
}

// ----------------------------------------------------------------------------------- one block

// The order in which `count` things take their turn: 0 forward, 1 in reverse, else a random seed.
inline std::vector<unsigned> turns(unsigned count, unsigned order) {
    std::vector<unsigned> numbers(count);
    for (unsigned i = 0; i < count; ++i) numbers[i] = order == 1 ? count - 1 - i : i;
    if (order < 2) return numbers;
    uint64_t random = order;
    for (unsigned i = count; i > 1; --i) {
        random = random * 6364136223846793005u + 1442695040888963407u;
        std::swap(numbers[i - 1], numbers[(random >> 33) % i]);
    }
    return numbers;
}

inline void run_block(const std::vector<unsigned>& order) {
    poison_shared_memory();
    for (unsigned i = 0; i < scheduler.threads; ++i) scheduler.fibers[i].state = State::ready;
    for (;;) {
        for (unsigned i : order) {
            if (scheduler.fibers[i].state == State::ready) resume(scheduler.fibers[i]);
            if (failed()) return;
        }
        if (all_returned()) return;
        bool opened = open_warp_operations();
        opened |= open_barrier();
        if (!opened) return report_divergence();
    }
}

}  // namespace cuda_cpu
