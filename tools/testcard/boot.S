/* SPDX-License-Identifier: MIT */
/* Where the boot loader enters: the multiboot header, a flat GDT, a stack, and the call of C. */

#define MULTIBOOT_MAGIC 0x1badb002
#define MULTIBOOT_FLAGS 0x2 /* memory information wanted */

        .section .multiboot, "a"
        .balign 4
        .long   MULTIBOOT_MAGIC
        .long   MULTIBOOT_FLAGS
        .long   -(MULTIBOOT_MAGIC + MULTIBOOT_FLAGS)

        .text
        .globl  _start
_start:
        cli
        cld
        lgdt    gdt_pointer
        ljmp    $0x08, $1f
1:      movw    $0x10, %cx
        movw    %cx, %ds
        movw    %cx, %es
        movw    %cx, %fs
        movw    %cx, %gs
        movw    %cx, %ss
        movl    $stack_top, %esp
        xorl    %ebp, %ebp
        pushl   %ebx                    /* multiboot information */
        pushl   %eax                    /* loader's magic */
        call    kernel_main
2:      cli
        hlt
        jmp     2b

        .section .rodata
        .balign 8
gdt:    .quad   0
        .quad   0x00cf9a000000ffff      /* 0x08: code, 0 to 4 GiB */
        .quad   0x00cf92000000ffff      /* 0x10: data, 0 to 4 GiB */
gdt_end:
gdt_pointer:
        .word   gdt_end - gdt - 1
        .long   gdt

        .bss
        .balign 16
        .skip   32768
stack_top:

        .section .note.GNU-stack, "", @progbits
