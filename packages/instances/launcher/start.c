// Where the kernel enters the program, and a thread its work; and the four memory functions that GCC takes for granted.
#include "sys.h"

#if defined(__x86_64__)
__asm__(".globl _start\n"
        "_start:\n"
        "  xor %ebp, %ebp\n"
        "  mov %rsp, %rdi\n"
        "  and $-16, %rsp\n"
        "  call enter\n"
        ".section .note.GNU-stack,\"\",@progbits\n.text\n");
#else
__asm__(".globl _start\n"
        "_start:\n"
        "  mov x29, #0\n"
        "  mov x30, #0\n"
        "  mov x0, sp\n"
        "  and sp, x0, #-16\n"
        "  bl enter\n"
        ".section .note.GNU-stack,\"\",@progbits\n.text\n");
#endif

// The initial stack: argc, argv…, NULL, environment…, NULL (System V ABI, "Process Initialization").
__attribute__((used, noreturn)) void enter(long *stack) {
  const int argc = (int)stack[0];
  char **const argv = (char **)(stack + 1);
  leave(program(argc, argv, argv + argc + 1));
  __builtin_unreachable();
}

// When the thread has ended `alive` becomes 0, and who waits for that word is woken. It must not come back from here: what
// lies on the stack is the caller's.
long thread_on(void *stack_end, u64 flags, void (*work)(void), i32 *alive) {
#if defined(__x86_64__)
  register i32 *tid __asm__("r10") = alive;
  register long tls __asm__("r8") = 0;
  register void (*child)(void) __asm__("r9") = work;
  long result;
  __asm__ volatile("syscall\n\ttest %%rax, %%rax\n\tjnz 1f\n\txor %%ebp, %%ebp\n\tcall *%%r9\n1:"
                   : "=a"(result)
                   : "a"(__NR_clone), "D"(flags), "S"(stack_end), "d"(0), "r"(tid), "r"(tls), "r"(child)
                   : "rcx", "r11", "memory");
  return result;
#else
  register long x8 __asm__("x8") = __NR_clone;
  register long x0 __asm__("x0") = (long)flags;
  register long x1 __asm__("x1") = (long)stack_end;
  register long x2 __asm__("x2") = 0;
  register long x3 __asm__("x3") = 0;
  register long x4 __asm__("x4") = (long)alive;
  register long x5 __asm__("x5") = (long)work;
  __asm__ volatile("svc 0\n\tcbnz x0, 1f\n\tmov x29, #0\n\tmov x30, #0\n\tblr x5\n1:"
                   : "+r"(x0)
                   : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5)
                   : "memory", "cc");
  return x0;
#endif
}

void *memcpy(void *to, const void *from, usize length) {
#if defined(__x86_64__)
  void *const result = to; // one instruction; modern processors move cache lines with it
  __asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(length) : : "memory");
  return result;
#else
  u8 *out = to;
  const u8 *in = from;
  for (; length >= 8; length -= 8, out += 8, in += 8) {
    u64 word;
    __builtin_memcpy(&word, in, 8);
    __builtin_memcpy(out, &word, 8);
  }
  while (length--) *out++ = *in++;
  return to;
#endif
}

void *memset(void *to, int byte, usize length) {
  volatile u8 *out = to; // volatile: otherwise GCC turns this loop into a call of memset
  while (length--) *out++ = (u8)byte;
  return to;
}

void *memmove(void *to, const void *from, usize length) {
  if ((usize)to - (usize)from >= length) return memcpy(to, from, length); // forward is safe: to lies before from, or apart
  u8 *out = to;
  const u8 *in = from;
  while (length--) out[length] = in[length];
  return to;
}

int memcmp(const void *a, const void *b, usize length) {
  const u8 *left = a, *right = b;
  for (; length; length--, left++, right++)
    if (*left != *right) return *left - *right;
  return 0;
}
