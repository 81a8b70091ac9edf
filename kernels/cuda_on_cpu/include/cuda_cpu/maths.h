// CUDA's device functions that C++ doesn't have. The fast ones (__expf) are the exact ones here.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <math.h>

using std::isfinite;
using std::isinf;
using std::isnan;
using std::max;
using std::min;

template <class T>
T __ldg(const T* address) {
    return *address;
}

inline float rsqrtf(float x) { return 1.0f / sqrtf(x); }
inline float rsqrt(float x) { return 1.0f / sqrtf(x); }
inline double rsqrt(double x) { return 1.0 / ::sqrt(x); }
inline float __expf(float x) { return expf(x); }
inline float __logf(float x) { return logf(x); }
inline float __fdividef(float x, float y) { return x / y; }
inline float __frcp_rn(float x) { return 1.0f / x; }
inline float __fadd_rn(float x, float y) { return x + y; }
inline float __fmul_rn(float x, float y) { return x * y; }
inline float __fdiv_rn(float x, float y) { return x / y; }
inline float __fsqrt_rn(float x) { return sqrtf(x); }
inline float __saturatef(float x) { return fminf(fmaxf(x, 0.0f), 1.0f); }

inline unsigned __umulhi(unsigned x, unsigned y) {
    return static_cast<unsigned>(static_cast<uint64_t>(x) * y >> 32);
}
inline int __popc(unsigned x) { return __builtin_popcount(x); }
inline int __ffs(int x) { return __builtin_ffs(x); }
inline int __clz(int x) { return x ? __builtin_clz(static_cast<unsigned>(x)) : 32; }

namespace cuda_cpu {

template <class To, class From>
To same_bits(From from) {
    static_assert(sizeof(To) == sizeof(From), "a reinterpretation keeps the size");
    To to;
    memcpy(&to, &from, sizeof to);
    return to;
}

}  // namespace cuda_cpu

inline int __float_as_int(float x) { return cuda_cpu::same_bits<int>(x); }
inline unsigned __float_as_uint(float x) { return cuda_cpu::same_bits<unsigned>(x); }
inline float __int_as_float(int x) { return cuda_cpu::same_bits<float>(x); }
inline float __uint_as_float(unsigned x) { return cuda_cpu::same_bits<float>(x); }
inline long long __double_as_longlong(double x) { return cuda_cpu::same_bits<long long>(x); }
inline double __longlong_as_double(long long x) { return cuda_cpu::same_bits<double>(x); }
