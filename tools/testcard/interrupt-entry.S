/* SPDX-License-Identifier: MIT */
/* Where the processor enters on exceptions and interrupts: 48 entries of 8 bytes, one per vector.
 * The address that an entry's call leaves on the stack tells C which one it was. */

        .text
        .globl  interrupt_entries
        .balign 8
interrupt_entries:
        .rept   48
        call    enter
        .balign 8
        .endr

enter:
        pushal
        cld
        pushl   %esp                    /* the InterruptFrame */
        call    interrupt_dispatch
        addl    $4, %esp
        popal
        addl    $4, %esp                /* the entry's address */
        iretl

        .section .note.GNU-stack, "", @progbits
