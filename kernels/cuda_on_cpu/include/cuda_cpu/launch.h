// A launch: all blocks of a grid, one after another; and what the Python side calls.
#pragma once

#include <string>
#include <type_traits>
#include <utility>

#include "faults.h"
#include "scheduler.h"

namespace cuda_cpu {

// ------------------------------------------------------------------- dynamic shared memory

// `extern __shared__ T name[]` gets its memory from the macro below, which the Python side writes
// after the source. It is always as large as the largest GPU allows; the launch checks that a
// kernel leaves alone what it hasn't asked for.
constexpr size_t MAX_DYNAMIC_SHARED = 227 * 1024;
inline char* (*dynamic_shared)() = nullptr;

inline void check_dynamic_shared(size_t asked_for) {
    if (dynamic_shared == nullptr) return;
    const char* begin = dynamic_shared();
    for (size_t i = asked_for; i < MAX_DYNAMIC_SHARED; ++i) {
        if (begin[i] == static_cast<char>(POISON)) continue;
        say("a thread of block (%u, %u, %u) wrote byte %zu of dynamic shared memory, but the "
            "launch asked for shared_mem=%zu",
            blockIdx.x, blockIdx.y, blockIdx.z, i, asked_for);
        return;
    }
}

#define CUDA_CPU_DYNAMIC_SHARED(type, name)                                                        \
    alignas(16) thread_local type name[cuda_cpu::MAX_DYNAMIC_SHARED / sizeof(type)];               \
    static bool name##_registered = [] {                                                           \
        cuda_cpu::dynamic_shared = [] { return reinterpret_cast<char*>(name); };                   \
        return true;                                                                               \
    }();

// ------------------------------------------------------------------------------- the grid

struct Launch {
    unsigned grid[3], block[3];
    unsigned order;  // see turns()
    unsigned shared_mem;
};

inline void prepare_fibers(const Launch& launch) {
    const unsigned* size = launch.block;
    scheduler.threads = size[0] * size[1] * size[2];
    for (unsigned i = 0; i < scheduler.threads; ++i) {
        Fiber& fiber = scheduler.fibers[i];
        fiber.number = i;
        fiber.index = {i % size[0], i / size[0] % size[1], i / (size[0] * size[1])};
    }
}

inline void run_grid(const Launch& launch) {
    const unsigned* size = launch.grid;
    gridDim = dim3(size[0], size[1], size[2]);
    blockDim = dim3(launch.block[0], launch.block[1], launch.block[2]);
    scheduler.error[0] = '\0';
    prepare_fibers(launch);
    locate_shared_memory();
    CatchFaults while_running;
    const std::vector<unsigned> thread_order = turns(scheduler.threads, launch.order);
    for (unsigned i : turns(size[0] * size[1] * size[2], launch.order)) {
        blockIdx = {i % size[0], i / size[0] % size[1], i / (size[0] * size[1])};
        run_block(thread_order);
        if (!failed()) check_dynamic_shared(launch.shared_mem);
        if (failed()) break;
    }
    if (failed())  // abandoned fibers stand in the middle of the kernel: begin them afresh
        for (Fiber& fiber : scheduler.fibers) fiber.started = false;
}

template <class... Parameters, size_t... I>
void run_kernel(void (*kernel)(Parameters...), void** arguments, const Launch& launch,
                std::index_sequence<I...>) {
    auto call = [=] { kernel(*static_cast<std::remove_cv_t<Parameters>*>(arguments[I])...); };
    scheduler.kernel = [](void* f) { (*static_cast<decltype(call)*>(f))(); };
    scheduler.arguments = &call;
    run_grid(launch);
}

template <class... Parameters>
const char* launch_kernel(void (*kernel)(Parameters...), void** arguments, const Launch& launch) {
    run_kernel(kernel, arguments, launch, std::index_sequence_for<Parameters...>());
    return scheduler.error;
}

// --------------------------------------------------------------------- parameters, in words

// "f4" for float, "i8" for long long, "u1" for unsigned char, "V16" for float4, "V0" for void.
template <class T>
std::string type_code() {
    if constexpr (std::is_void_v<T>) {
        return "V0";
    } else {
        const char* kind = std::is_floating_point_v<T> ? "f"
                           : std::is_same_v<T, bool>   ? "b"
                           : std::is_unsigned_v<T>     ? "u"
                           : std::is_integral_v<T>     ? "i"
                                                       : "V";
        return kind + std::to_string(sizeof(T));
    }
}

// "const f4*" for const float* __restrict__, "i4" for int.
template <class Parameter>
std::string describe() {
    if constexpr (std::is_pointer_v<Parameter>) {
        using Target = std::remove_pointer_t<Parameter>;
        return std::string(std::is_const_v<Target> ? "const " : "") +
               type_code<std::remove_cv_t<Target>>() + "*";
    } else {
        return type_code<std::remove_cv_t<Parameter>>();
    }
}

template <class... Parameters>
const char* signature(void (*)(Parameters...)) {
    static const std::string words = ((describe<Parameters>() + ",") + ... + std::string());
    return words.c_str();
}

}  // namespace cuda_cpu

// Two C functions per kernel: its signature, and its launch (which returns the error, or "").
#define CUDA_CPU_EXPORT(symbol, ...)                                                               \
    extern "C" __attribute__((visibility("default"))) const char* symbol##_signature() {           \
        return cuda_cpu::signature(__VA_ARGS__);                                                   \
    }                                                                                              \
    extern "C" __attribute__((visibility("default"))) const char* symbol##_launch(                 \
        void** arguments, const cuda_cpu::Launch* launch) {                                        \
        return cuda_cpu::launch_kernel(__VA_ARGS__, arguments, *launch);                           \
    }
