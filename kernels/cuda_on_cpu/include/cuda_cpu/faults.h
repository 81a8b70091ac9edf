// Turns what would kill the process or pass unseen into an error with a thread and a place.
#pragma once

#include <csignal>
#include <cstdint>

#include "scheduler.h"

// -------------------------------------------------------------- indices of arrays of known size

namespace cuda_cpu {

// What g++ -fsanitize=bounds hands over: where the index stands, and the array's type.
struct IndexCheck {
    const char* file;
    uint32_t line, column;
    struct Type {
        uint16_t kind, info;
        char name[1];
    }* array_type;
};

}  // namespace cuda_cpu

// g++ calls this for an index outside an array whose size it knows: __shared__ and local arrays.
extern "C" void __ubsan_handle_out_of_bounds(void* data, void* index) {
    const auto* check = static_cast<const cuda_cpu::IndexCheck*>(data);
    cuda_cpu::say("index %lld is outside the array of type %s at %s:%u, ",
                  static_cast<long long>(static_cast<int>(reinterpret_cast<intptr_t>(index))),
                  check->array_type->name, check->file, check->line);
    cuda_cpu::say_thread(*cuda_cpu::scheduler.running);
    cuda_cpu::give_up();
}

// ------------------------------------------------------------------------------------- signals

namespace cuda_cpu {

constexpr int FAULTS[] = {SIGSEGV, SIGBUS, SIGFPE};

inline void on_fault(int signal, siginfo_t* info, void*) {
    if (signal == SIGFPE)
        say("integer division by zero, ");
    else
        say("access to address %p, which lies in no array (or the thread's stack of %zu KiB is "
            "full), ",
            info->si_addr, STACK_BYTES / 1024);
    say_thread(*scheduler.running);
    give_up();
}

// While it lives, faults end the launch; afterwards the handlers are what they were before.
// The handler needs a stack of its own, because the fiber's may be the one that is full.
class CatchFaults {
  public:
    CatchFaults() {
        stack_t stack = {};
        stack.ss_sp = stack_memory;
        stack.ss_size = sizeof stack_memory;
        sigaltstack(&stack, &old_stack);
        struct sigaction action = {};
        action.sa_sigaction = on_fault;
        action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER;
        for (int i = 0; i < 3; ++i) sigaction(FAULTS[i], &action, &old_actions[i]);
    }
    ~CatchFaults() {
        for (int i = 0; i < 3; ++i) sigaction(FAULTS[i], &old_actions[i], nullptr);
        sigaltstack(&old_stack, nullptr);
    }

  private:
    inline static char stack_memory[64 * 1024];
    stack_t old_stack = {};
    struct sigaction old_actions[3];
};

}  // namespace cuda_cpu
