// ReLU: y = max(x, 0), and NaN stays NaN.
//
// One read and one write per element: the copy bandwidth is the limit, and a grid-stride loop
// reaches it.
#include "common/indexing.cuh"

template <class T>
__global__ void relu(const T* __restrict__ x, T* __restrict__ y, long long size) {
    for (long long i = first_element(); i < size; i += element_stride()) {
        const T value = x[i];
        y[i] = value <= T(0) ? T(0) : value;  // written so that NaN, which compares false, stays
    }
}
