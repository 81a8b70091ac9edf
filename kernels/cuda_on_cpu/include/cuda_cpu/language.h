// CUDA's keywords, built-in types and built-in variables.
#pragma once

#include <cstddef>
#include <cstdint>

#define __global__
#define __device__
#define __host__
#define __constant__ static
#define __forceinline__ inline
#define __launch_bounds__(...)
#define __align__(bytes) __attribute__((aligned(bytes)))

// All fibers live on one operating-system thread, so a thread_local variable is shared by them all.
// Nothing else in the compiled module is thread_local: its thread-local storage is exactly the
// shared memory of a block, and the scheduler can fill it with NaN when a block begins.
#define __shared__ thread_local

struct uint3 {
    unsigned x, y, z;
};

struct dim3 {
    unsigned x, y, z;
    constexpr dim3(unsigned x = 1, unsigned y = 1, unsigned z = 1) : x(x), y(y), z(z) {}
};

#define CUDA_CPU_VECTOR_TYPES(scalar)                                                              \
    struct alignas(2 * sizeof(scalar)) scalar##2 {                                                 \
        scalar x, y;                                                                               \
    };                                                                                             \
    struct alignas(4 * sizeof(scalar) < 16 ? 4 * sizeof(scalar) : 16) scalar##4 {                  \
        scalar x, y, z, w;                                                                         \
    };                                                                                             \
    inline scalar##2 make_##scalar##2(scalar x, scalar y) { return {x, y}; }                       \
    inline scalar##4 make_##scalar##4(scalar x, scalar y, scalar z, scalar w) {                    \
        return {x, y, z, w};                                                                       \
    }

CUDA_CPU_VECTOR_TYPES(float)
CUDA_CPU_VECTOR_TYPES(double)
CUDA_CPU_VECTOR_TYPES(int)

inline uint3 threadIdx, blockIdx;
inline dim3 blockDim, gridDim;
constexpr int warpSize = 32;
