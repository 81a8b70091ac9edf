// __syncthreads and its votes; __syncwarp, shuffles and votes of a warp.
//
// The default arguments record where the call stands, for the report of a divergent barrier.
#pragma once

#include <cstring>

#include "scheduler.h"

#define CUDA_CPU_HERE const char *file = __builtin_FILE(), int line = __builtin_LINE()

// --------------------------------------------------------------------------------- whole block

namespace cuda_cpu {

inline int barrier(int vote, Place place) {
    scheduler.running->vote = vote;
    wait(State::at_barrier, place);
    return scheduler.votes;
}

}  // namespace cuda_cpu

inline void __syncthreads(CUDA_CPU_HERE) { cuda_cpu::barrier(0, {"__syncthreads", file, line}); }

inline int __syncthreads_count(int predicate, CUDA_CPU_HERE) {
    return cuda_cpu::barrier(predicate != 0, {"__syncthreads_count", file, line});
}

inline int __syncthreads_and(int predicate, CUDA_CPU_HERE) {
    int count = cuda_cpu::barrier(predicate != 0, {"__syncthreads_and", file, line});
    return count == static_cast<int>(cuda_cpu::scheduler.threads);
}

inline int __syncthreads_or(int predicate, CUDA_CPU_HERE) {
    return cuda_cpu::barrier(predicate != 0, {"__syncthreads_or", file, line}) != 0;
}

// ---------------------------------------------------------------------------------------- warp

namespace cuda_cpu {

inline int lane() { return static_cast<int>(scheduler.running->number & 31u); }

// Offer `value` to the lanes of `mask` and wait for theirs.
template <class T>
void exchange(unsigned mask, T value, Place place) {
    static_assert(sizeof(T) <= sizeof(uint64_t), "a lane can offer at most 64 bits");
    Fiber* self = scheduler.running;
    if (!(mask >> lane() & 1)) {
        say("%s at %s:%d: the mask 0x%08x leaves out the calling lane %d, ", place.operation,
            place.file, place.line, mask, lane());
        say_thread(*self);
        give_up();
    }
    self->lanes = mask;
    memcpy(&self->offered, &value, sizeof value);
    wait(State::at_warp_operation, place);
}

// What the lane `source` of this warp offered.
template <class T>
T received_from(int source) {
    T value;
    memcpy(&value, &scheduler.running->received[source], sizeof value);
    return value;
}

}  // namespace cuda_cpu

inline void __syncwarp(unsigned mask = ~0u, CUDA_CPU_HERE) {
    cuda_cpu::exchange(mask, 0, {"__syncwarp", file, line});
}

// Shuffles act within segments of `width` lanes; a source outside the segment is the lane itself.
template <class T>
T __shfl_sync(unsigned mask, T value, int source, int width = 32, CUDA_CPU_HERE) {
    cuda_cpu::exchange(mask, value, {"__shfl_sync", file, line});
    int segment = cuda_cpu::lane() & ~(width - 1);
    return cuda_cpu::received_from<T>(segment | (source & (width - 1)));
}

template <class T>
T __shfl_xor_sync(unsigned mask, T value, int lanes, int width = 32, CUDA_CPU_HERE) {
    cuda_cpu::exchange(mask, value, {"__shfl_xor_sync", file, line});
    int self = cuda_cpu::lane(), source = self ^ lanes;
    return cuda_cpu::received_from<T>(source / width > self / width ? self : source);
}

template <class T>
T __shfl_down_sync(unsigned mask, T value, unsigned distance, int width = 32, CUDA_CPU_HERE) {
    cuda_cpu::exchange(mask, value, {"__shfl_down_sync", file, line});
    int self = cuda_cpu::lane(), step = static_cast<int>(distance);
    return cuda_cpu::received_from<T>(self % width + step < width ? self + step : self);
}

template <class T>
T __shfl_up_sync(unsigned mask, T value, unsigned distance, int width = 32, CUDA_CPU_HERE) {
    cuda_cpu::exchange(mask, value, {"__shfl_up_sync", file, line});
    int self = cuda_cpu::lane(), step = static_cast<int>(distance);
    return cuda_cpu::received_from<T>(self % width >= step ? self - step : self);
}

inline unsigned __ballot_sync(unsigned mask, int predicate, CUDA_CPU_HERE) {
    cuda_cpu::exchange(mask, predicate != 0, {"__ballot_sync", file, line});
    unsigned begin = cuda_cpu::warp_begin(*cuda_cpu::scheduler.running), votes = 0;
    unsigned here = mask & cuda_cpu::existing_lanes(begin);
    for (int lane = 0; lane < 32; ++lane)
        if (here >> lane & 1) votes |= (cuda_cpu::received_from<int>(lane) & 1u) << lane;
    return votes;
}

inline int __any_sync(unsigned mask, int predicate, CUDA_CPU_HERE) {
    return __ballot_sync(mask, predicate, file, line) != 0;
}

inline int __all_sync(unsigned mask, int predicate, CUDA_CPU_HERE) {
    return __ballot_sync(mask, !predicate, file, line) == 0;
}

// A GPU may return any set of converged lanes; here it is every lane that hasn't returned.
inline unsigned __activemask() {
    unsigned begin = cuda_cpu::warp_begin(*cuda_cpu::scheduler.running), lanes = 0;
    for (unsigned i = begin; i < std::min(begin + 32, cuda_cpu::scheduler.threads); ++i)
        if (cuda_cpu::scheduler.fibers[i].state != cuda_cpu::State::returned)
            lanes |= 1u << (i - begin);
    return lanes;
}
