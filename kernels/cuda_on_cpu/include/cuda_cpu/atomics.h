// Atomics. A fiber is only interrupted where it waits, so a plain read and write is atomic.
#pragma once

#include <algorithm>

namespace cuda_cpu {

template <class T>
T replace(T* address, T value) {
    T old = *address;
    *address = value;
    return old;
}

// The second argument takes part in no deduction: atomicAdd(&float, 1) works as in CUDA.
template <class T>
struct same {
    using type = T;
};
template <class T>
using same_t = typename same<T>::type;

}  // namespace cuda_cpu

template <class T>
T atomicAdd(T* address, cuda_cpu::same_t<T> value) {
    return cuda_cpu::replace<T>(address, *address + value);
}
template <class T>
T atomicSub(T* address, cuda_cpu::same_t<T> value) {
    return cuda_cpu::replace<T>(address, *address - value);
}
template <class T>
T atomicMax(T* address, cuda_cpu::same_t<T> value) {
    return cuda_cpu::replace<T>(address, std::max(*address, value));
}
template <class T>
T atomicMin(T* address, cuda_cpu::same_t<T> value) {
    return cuda_cpu::replace<T>(address, std::min(*address, value));
}
template <class T>
T atomicAnd(T* address, cuda_cpu::same_t<T> value) {
    return cuda_cpu::replace<T>(address, *address & value);
}
template <class T>
T atomicOr(T* address, cuda_cpu::same_t<T> value) {
    return cuda_cpu::replace<T>(address, *address | value);
}
template <class T>
T atomicXor(T* address, cuda_cpu::same_t<T> value) {
    return cuda_cpu::replace<T>(address, *address ^ value);
}
template <class T>
T atomicExch(T* address, cuda_cpu::same_t<T> value) {
    return cuda_cpu::replace<T>(address, value);
}
template <class T>
T atomicCAS(T* address, cuda_cpu::same_t<T> compare, cuda_cpu::same_t<T> value) {
    return cuda_cpu::replace<T>(address, *address == compare ? value : *address);
}

inline void __threadfence() {}
inline void __threadfence_block() {}
