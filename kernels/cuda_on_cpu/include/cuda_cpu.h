// Runs CUDA C kernels on a CPU, so that their arithmetic can be tested without a GPU.
//
// Include this first, then the .cu file: g++ now understands it. Every CUDA thread of a block is
// a fiber with a stack of its own; the blocks of a grid run one after another. What a GPU leaves
// undefined is reported here, with the thread and the place in the source:
//
//     language.h    __global__, __shared__, dim3, float4, threadIdx, ...
//     scheduler.h   one block: fibers, shared memory, barriers that can never open
//     barriers.h    __syncthreads and the warp intrinsics
//     atomics.h     atomicAdd and the others
//     maths.h       CUDA's functions that <cmath> doesn't have
//     faults.h      indices outside an array, addresses outside all memory
//     launch.h      a grid; what the Python side calls
#pragma once

#define MINIDL_CUDA_ON_CPU 1

#include "cuda_cpu/language.h"
#include "cuda_cpu/scheduler.h"
#include "cuda_cpu/barriers.h"
#include "cuda_cpu/atomics.h"
#include "cuda_cpu/maths.h"
#include "cuda_cpu/faults.h"
#include "cuda_cpu/launch.h"
