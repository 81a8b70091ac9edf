// conv2d forward as an implicit matrix product, tiled in shared memory and in registers.
//
//     y[n,o,i,j] = b[o] + Σ_{c,p,q} w[o,c,p,q] · x[n, g·C/groups + c, i·s + p·d − pad, ...]
//
// For one group this is  Y = W · X  with
//
//     W  O' × K     the weights as they stand in memory, K = C/groups · kh · kw, k = (c, p, q)
//     X  K × M      the input's windows as columns, M = N · out_h · out_w, m = (n, i, j)
//     Y  O' × M     O' = O/groups
//
// X (what im2col would write, kh·kw times the input) is never built: a block computes where the
// elements of its tile of X stand in x, and loads just those.
//
//                          m →
//                  ┌─────┬───────┬──────────┐
//              k ↓ │     │ x_tile│          │  X (implicit)      x_tile  TILE_K × TILE_M
//                  │     │   ↓   │          │                    w_tile  TILE_K × TILE_O
//                  └─────┴───────┴──────────┘                            (transposed)
//          k →           m →
//        ┌───────┐ ┌─────┬───────┬──────────┐
//        │       │ │     │       │          │  A block computes TILE_O × TILE_M elements of Y,
//    o ↓ ├───────┤ ├─────┼───────┼──────────┤  walking along k in steps of TILE_K; a thread
//        │w_tile→│ │     │ block │          │  computes THREAD_O × THREAD_M of them, in registers:
//        ├───────┤ ├─────┼───────┼──────────┤  each value it reads from shared memory is used
//        │   W   │ │     │   Y   │          │  THREAD_M or THREAD_O times.
//        └───────┘ └─────┴───────┴──────────┘
//
// Every element of Y is summed by one thread, in the order of k: the result is deterministic.

// The sizes of a convolution; out_channels and in_channels are those of one group.
struct ConvShape {
    int in_channels, height, width;       // of x
    int out_channels, out_h, out_w;       // of y
    int kernel_h, kernel_w;
    int stride_h, stride_w;
    int pad_top, pad_left;
    int dilation_h, dilation_w;
    int groups;

    __device__ int reduction() const { return in_channels * kernel_h * kernel_w; }  // K
    __device__ int pixels() const { return out_h * out_w; }                         // per plane
};

// Where one window stands: what a column m of X means.
template <class T>
struct Window {
    const T* image;  // x[n, g·C/groups]: the planes of this image and group
    int top, left;   // x coordinates of the window's first tap; negative in the padding

    __device__ Window(const T* x, const ConvShape& shape, int group, int m) {
        const int n = m / shape.pixels(), pixel = m % shape.pixels();
        const long long plane = static_cast<long long>(shape.height) * shape.width;
        const long long first_channel =
            (static_cast<long long>(n) * shape.groups + group) * shape.in_channels;
        image = x + first_channel * plane;
        top = pixel / shape.out_w * shape.stride_h - shape.pad_top;
        left = pixel % shape.out_w * shape.stride_w - shape.pad_left;
    }
};

// What a row k = (c, p, q) of X means: how far this tap is from the window's first.
struct Tap {
    int row, column;  // p·dilation, q·dilation
    int plane;        // c·H·W

    __device__ static Tap at(int k, const ConvShape& shape) {
        const int q = k % shape.kernel_w, p = k / shape.kernel_w % shape.kernel_h;
        const int c = k / (shape.kernel_w * shape.kernel_h);
        return {p * shape.dilation_h, q * shape.dilation_w, c * shape.height * shape.width};
    }
};

// One element of X; the padding is zero.
template <class T>
__device__ T load_input(const Window<T>& window, const Tap& tap, const ConvShape& shape) {
    const int row = window.top + tap.row, column = window.left + tap.column;
    const bool inside = row >= 0 && row < shape.height && column >= 0 && column < shape.width;
    return inside ? window.image[tap.plane + row * shape.width + column] : T(0);
}

// grid (⌈M / TILE_M⌉, ⌈O' / TILE_O⌉, groups), block (TILE_O/THREAD_O · TILE_M/THREAD_M)
template <class T, int TILE_O, int TILE_M, int TILE_K, int THREAD_O, int THREAD_M>
__global__ void __launch_bounds__(TILE_O / THREAD_O * (TILE_M / THREAD_M))
conv2d(const T* __restrict__ x, const T* __restrict__ weight, const T* __restrict__ bias,
       T* __restrict__ y, int batch, int in_channels, int height, int width, int out_channels,
       int out_h, int out_w, int kernel_h, int kernel_w, int stride_h, int stride_w, int pad_top,
       int pad_left, int dilation_h, int dilation_w, int groups) {
    constexpr int THREADS_O = TILE_O / THREAD_O, THREADS_M = TILE_M / THREAD_M;
    constexpr int THREADS = THREADS_O * THREADS_M;
    constexpr int PAD = 4;  // spreads the transposed stores over the banks, keeps rows aligned
    static_assert(THREADS % TILE_M == 0, "each thread loads elements of one column of X");
    static_assert(THREADS % TILE_K == 0 && TILE_K <= THREADS, "and of one column of W");

    alignas(16) __shared__ T w_tile[TILE_K][TILE_O + PAD];
    alignas(16) __shared__ T x_tile[TILE_K][TILE_M];
    __shared__ Tap taps[TILE_K];

    const ConvShape shape = {in_channels / groups, height,   width,   out_channels / groups,
                             out_h,                out_w,    kernel_h, kernel_w,
                             stride_h,             stride_w, pad_top,  pad_left,
                             dilation_h,           dilation_w, groups};
    const int thread = threadIdx.x, group = blockIdx.z;
    const int first_o = blockIdx.y * TILE_O, first_m = blockIdx.x * TILE_M;
    const int M = batch * shape.pixels(), K = shape.reduction();

    // What this thread loads: column `load_m` of X and column `load_k` of W.
    const int load_m = thread % TILE_M, load_k = thread % TILE_K;
    const bool column_exists = first_m + load_m < M;
    const Window<T> window(x, shape, group, column_exists ? first_m + load_m : 0);
    const T* group_weight = weight + static_cast<long long>(group) * shape.out_channels * K;

    // What this thread computes: rows o of its own, columns m shared out one by one, so that
    // neighbouring threads read and write neighbouring addresses.
    const int thread_o = thread / THREADS_M * THREAD_O, thread_m = thread % THREADS_M;
    T sum[THREAD_O][THREAD_M] = {};

    if (thread < TILE_K) taps[thread] = Tap::at(thread, shape);
    __syncthreads();

    for (int first_k = 0; first_k < K; first_k += TILE_K) {
        for (int k = thread / TILE_M; k < TILE_K; k += THREADS / TILE_M) {
            const bool exists = column_exists && first_k + k < K;
            x_tile[k][load_m] = exists ? load_input(window, taps[k], shape) : T(0);
        }
        for (int o = thread / TILE_K; o < TILE_O; o += THREADS / TILE_K) {
            const bool exists = first_o + o < shape.out_channels && first_k + load_k < K;
            w_tile[load_k][o] =
                exists ? group_weight[(first_o + o) * K + first_k + load_k] : T(0);
        }
        __syncthreads();  // the tiles are complete

        // The only divisions of the loop, by TILE_K threads for all the others.
        if (thread < TILE_K) taps[thread] = Tap::at(first_k + TILE_K + thread, shape);

#pragma unroll
        for (int k = 0; k < TILE_K; ++k) {
            T w_value[THREAD_O], x_value[THREAD_M];
#pragma unroll
            for (int i = 0; i < THREAD_O; ++i) w_value[i] = w_tile[k][thread_o + i];
#pragma unroll
            for (int j = 0; j < THREAD_M; ++j) x_value[j] = x_tile[k][thread_m + j * THREADS_M];
#pragma unroll
            for (int i = 0; i < THREAD_O; ++i)
#pragma unroll
                for (int j = 0; j < THREAD_M; ++j) sum[i][j] += w_value[i] * x_value[j];
        }
        __syncthreads();  // the tiles may be overwritten, and the next taps are known
    }

#pragma unroll
    for (int j = 0; j < THREAD_M; ++j) {
        const int m = first_m + thread_m + j * THREADS_M;
        if (m >= M) continue;
        const int n = m / shape.pixels(), pixel = m % shape.pixels();
#pragma unroll
        for (int i = 0; i < THREAD_O; ++i) {
            if (first_o + thread_o + i >= shape.out_channels) continue;
            const int o = group * shape.out_channels + first_o + thread_o + i;
            const long long plane = static_cast<long long>(n) * out_channels + o;
            y[plane * shape.pixels() + pixel] = sum[i][j] + (bias == nullptr ? T(0) : bias[o]);
        }
    }
}
