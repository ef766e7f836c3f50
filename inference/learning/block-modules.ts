/** Linear layers of a block, by the names llama.cpp gives them, in the order of computation. */
export const BLOCK_MODULES = [
  'attn_q',
  'attn_k',
  'attn_v',
  'attn_output',
  'ffn_gate',
  'ffn_up',
  'ffn_down',
] as const
export type BlockModule = (typeof BLOCK_MODULES)[number]
