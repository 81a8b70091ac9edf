// Kernels that are right and use what CUDA offers; the emulator must run them as a GPU would.

extern "C" __global__ void reverse(const float* x, float* y) {
    __shared__ float tile[96];
    tile[threadIdx.x] = x[threadIdx.x];
    __syncthreads();
    y[threadIdx.x] = tile[blockDim.x - 1 - threadIdx.x];
}

extern "C" __global__ void where_am_i(int* y) {
    const int block = blockIdx.x + gridDim.x * (blockIdx.y + gridDim.y * blockIdx.z);
    const int thread = threadIdx.x + blockDim.x * (threadIdx.y + blockDim.y * threadIdx.z);
    int* row = y + 6 * (block * (blockDim.x * blockDim.y * blockDim.z) + thread);
    row[0] = threadIdx.x, row[1] = threadIdx.y, row[2] = threadIdx.z;
    row[3] = blockIdx.x, row[4] = blockIdx.y, row[5] = blockIdx.z;
}

extern "C" __global__ void shuffles(const float* x, float* y, int width) {
    const float value = x[threadIdx.x];
    y[threadIdx.x] = __shfl_sync(0xffffffffu, value, 3, width);
    y[threadIdx.x + 64] = __shfl_xor_sync(0xffffffffu, value, 9, width);
    y[threadIdx.x + 128] = __shfl_down_sync(0xffffffffu, value, 2, width);
    y[threadIdx.x + 192] = __shfl_up_sync(0xffffffffu, value, 2, width);
}

extern "C" __global__ void warp_votes(unsigned* y) {
    const int thread = threadIdx.x;
    y[thread] = __ballot_sync(0xffffffffu, thread & 1);
    y[thread + 40] = __all_sync(0xffffffffu, thread >= 32);
    y[thread + 80] = __any_sync(0xffffffffu, thread < 32);
    y[thread + 120] = __syncthreads_count(thread & 1);
}

__device__ float warp_sum(float value) {
    for (int distance = 16; distance > 0; distance /= 2)
        value += __shfl_down_sync(0xffffffffu, value, distance);
    return value;
}

extern "C" __global__ void block_sum(const float* x, float* y, int size) {
    __shared__ float of_warp[4];
    float sum = 0;
    for (int i = threadIdx.x; i < size; i += blockDim.x) sum += x[i];
    sum = warp_sum(sum);
    if (threadIdx.x % 32 == 0) of_warp[threadIdx.x / 32] = sum;
    __syncthreads();
    if (threadIdx.x == 0) y[0] = of_warp[0] + of_warp[1] + of_warp[2] + of_warp[3];
}

// Lanes 0 to 7 and 8 to 31 add up their numbers, each group on its own and at its own pace.
extern "C" __global__ void two_groups(float* y) {
    const bool first = threadIdx.x < 8;
    const unsigned mask = first ? 0x000000ffu : 0xffffff00u;
    float sum = 0;
    for (int lane = first ? 0 : 8; lane < (first ? 8 : 32); ++lane)
        sum += __shfl_sync(mask, float(threadIdx.x), lane);
    y[threadIdx.x] = sum;
}

extern "C" __global__ void reverse_dynamic(const float* x, float* y, int size) {
    extern __shared__ float values[];
    for (int i = threadIdx.x; i < size; i += blockDim.x) values[i] = x[i];
    __syncthreads();
    for (int i = threadIdx.x; i < size; i += blockDim.x) y[i] = values[size - 1 - i];
}

extern "C" __global__ void histogram(const int* data, int* counts, int* tickets, float* largest,
                                     int size) {
    const int stride = gridDim.x * blockDim.x;
    for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < size; i += stride) {
        tickets[i] = atomicAdd(&counts[data[i]], 1);
        float seen = *largest;
        while (seen < i) seen = __int_as_float(atomicCAS(reinterpret_cast<int*>(largest),
                                                         __float_as_int(seen), __float_as_int(i)));
    }
}

template <class T>
__global__ void scale(const T* x, T* y, T factor) {
    y[threadIdx.x] = x[threadIdx.x] * factor;
}

extern "C" __global__ void double_both(float* x, float* y) {
    x[threadIdx.x] *= 2;
    y[threadIdx.x] *= 2;
}

extern "C" __global__ void is_null(const float* x, int* y) { y[0] = x == nullptr; }
