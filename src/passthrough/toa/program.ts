/**
 * The program that writes a TOA option on the packets of connections of ours (BPF_PROG_TYPE_SOCK_OPS, Linux 5.10): the kernel
 * calls it for what happens on TCP sockets of its cgroup. It has no map: what it writes is in it as numbers.
 */
import {
  add,
  assemble,
  call,
  copy,
  exit,
  jump,
  jumpIfNull,
  jumpUnless,
  label,
  load32,
  load64,
  R0,
  R1,
  R2,
  R3,
  R4,
  R6,
  R7,
  R8,
  set,
  STACK,
  store32,
} from './assembler.ts';
import { type ToaOption, toaBytes } from './option.ts';

/** struct bpf_sock_ops and struct bpf_sock of linux/bpf.h, bytes. */
const CONTEXT = { operation: 0, socket: 184 };
const SOCKET = { family: 4, mark: 16 };
/** BPF_SOCK_OPS_TCP_CONNECT_CB, …HDR_OPT_LEN_CB, …WRITE_HDR_OPT_CB */
const OPERATION = { connect: 3, reserve: 14, write: 15 };
/** BPF_FUNC_sock_ops_cb_flags_set, reserve_hdr_opt, store_hdr_opt */
const HELPER = { wish: 59, reserve: 144, store: 143 };
/** BPF_SOCK_OPS_WRITE_HDR_OPT_CB_FLAG: call me for headers of this connection. */
const HEADERS = 1 << 6;
const FAMILY = { 4: 2, 6: 10 } as const;

export interface ToaProgram extends ToaOption {
  /** Firewall mark of the sockets that get the option; all others are left as they are. */
  readonly mark: number;
  /** Of the sockets. */
  readonly family: 4 | 6;
}

/** The program as bytes: 30 instructions, 33 with an IPv6 address. */
export function toaProgram({ mark, family, ...option }: ToaProgram): Buffer {
  const bytes = toaBytes(option);
  const words = Array.from({ length: bytes.length / 4 }, (_, k) => bytes.readInt32LE(4 * k));
  return assemble([
    copy(R6, R1),
    load32(R7, R6, CONTEXT.operation),
    load64(R8, R6, CONTEXT.socket),
    jumpIfNull(R8, 'out'),
    load32(R1, R8, SOCKET.mark),
    jumpUnless(R1, mark, 'out'),
    load32(R1, R8, SOCKET.family),
    jumpUnless(R1, FAMILY[family], 'out'),

    jumpUnless(R7, OPERATION.connect, 'not connecting'),
    copy(R1, R6),
    set(R2, HEADERS),
    call(HELPER.wish),
    jump('out'),

    label('not connecting'),
    jumpUnless(R7, OPERATION.reserve, 'not reserving'),
    copy(R1, R6),
    set(R2, bytes.length),
    set(R3, 0),
    call(HELPER.reserve),
    jump('out'),

    label('not reserving'),
    jumpUnless(R7, OPERATION.write, 'out'),
    ...words.map((word, k) => store32(STACK, 4 * k - bytes.length, word)),
    copy(R1, R6),
    copy(R2, STACK),
    add(R2, -bytes.length),
    set(R3, bytes.length),
    set(R4, 0),
    call(HELPER.store),

    label('out'),
    set(R0, 1),
    exit(),
  ]);
}
