// How a one-dimensional grid shares out its work.
#pragma once

// The grid-stride loop: thread t of T takes the elements t, t + T, t + 2T, ... Neighbouring threads
// touch neighbouring addresses, and a grid of any size covers any number of elements.
//
//     for (long long i = first_element(); i < size; i += element_stride()) ...
__device__ inline long long first_element() {
    return static_cast<long long>(blockIdx.x) * blockDim.x + threadIdx.x;
}

__device__ inline long long element_stride() {
    return static_cast<long long>(gridDim.x) * blockDim.x;
}
