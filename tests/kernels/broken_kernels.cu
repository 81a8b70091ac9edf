// Kernels that are wrong, each in one way that the emulator must notice.

extern "C" __global__ void reverse_without_barrier(const float* x, float* y) {
    __shared__ float tile[96];
    tile[threadIdx.x] = x[threadIdx.x];
    y[threadIdx.x] = tile[blockDim.x - 1 - threadIdx.x];
}

// The loop needs a second barrier: a fast thread overwrites what a slow one still has to read.
extern "C" __global__ void overwrites_too_early(const float* x, float* y, int rounds) {
    __shared__ float tile[64];
    float sum = 0;
    for (int round = 0; round < rounds; ++round) {
        tile[threadIdx.x] = x[round * blockDim.x + threadIdx.x];
        __syncthreads();
        sum += tile[blockDim.x - 1 - threadIdx.x];
    }
    y[threadIdx.x] = sum;
}

extern "C" __global__ void last_block_wins(int* y) { y[0] = blockIdx.x; }

extern "C" __global__ void barrier_for_some(float* y) {
    if (threadIdx.x < 3) __syncthreads();  // BARRIER FOR SOME
    y[threadIdx.x] = 1;
}

extern "C" __global__ void two_barriers(float* y) {
    if (threadIdx.x < 32) {
        __syncthreads();
        y[threadIdx.x] = 1;
    } else {
        __syncthreads();
    }
}

extern "C" __global__ void shuffle_for_half(float* y) {
    if (threadIdx.x < 16) y[threadIdx.x] = __shfl_xor_sync(0xffffffffu, y[threadIdx.x], 1);
}

extern "C" __global__ void mask_without_self(float* y) {
    y[threadIdx.x] = __shfl_xor_sync(0x0000ffffu, y[threadIdx.x], 1);
}

extern "C" __global__ void shuffle_across_halves(float* y) {
    const unsigned half = threadIdx.x < 16 ? 0x0000ffffu : 0xffff0000u;
    y[threadIdx.x] = __shfl_sync(half, y[threadIdx.x], 20);
}

extern "C" __global__ void write_at(float* y, int index) { y[index] = 1; }

extern "C" __global__ void read_at(const float* x, float* y, int index) { y[0] = x[index]; }

extern "C" __global__ void shared_overrun(float* y) {
    __shared__ float tile[64];
    tile[threadIdx.x + 1] = 1;  // SHARED OVERRUN
    __syncthreads();
    y[threadIdx.x] = tile[threadIdx.x];
}

extern "C" __global__ void fill_dynamic_shared(float* y) {
    extern __shared__ float values[];
    values[threadIdx.x] = 1;
    __syncthreads();
    y[threadIdx.x] = values[threadIdx.x];
}

extern "C" __global__ void reads_fresh_shared(float* y) {
    __shared__ float value;
    y[blockIdx.x] = value;
    value = 1;
}

extern "C" __global__ void writes_const(const float* x) { const_cast<float*>(x)[0] = 7; }

extern "C" __global__ void wild_pointer(int* y, int) {
    if (threadIdx.x == 5) y[1000000000] = 1;
}

__device__ int deeper(int* y, int depth) {
    volatile int here[1024] = {depth};
    return y[0] ? deeper(y, depth + 1) + here[0] : 0;
}

extern "C" __global__ void stack_overflow(int* y, int depth) { y[1] = deeper(y, depth); }

extern "C" __global__ void divides_by_zero(int* y, int divisor) { y[0] = y[0] / divisor; }
