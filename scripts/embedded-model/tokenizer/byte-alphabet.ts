/**
 * GPT-2's printable stand-ins for bytes, as GGUF's `gpt2` vocabularies are written: printable Latin-1
 * characters stand for themselves, the other bytes for the code points from U+0100 on, in order.
 */
export const BYTE_TO_CHARACTER: readonly string[] = (() => {
  const printable = (byte: number) =>
    (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || (byte >= 0xae && byte <= 0xff)
  let next = 0x100
  return Array.from({ length: 256 }, (_, byte) => String.fromCodePoint(printable(byte) ? byte : next++))
})()

export const CHARACTER_TO_BYTE: ReadonlyMap<string, number> = new Map(
  BYTE_TO_CHARACTER.map((character, byte) => [character, byte]),
)

/**
 * llama.cpp's `qwen2` pre-tokenizer: merges never cross these pieces. Each digit stands alone.
 * (The expression of Qwen2's tokenizer, as in llama.cpp's `llama-vocab.cpp`.)
 */
export const QWEN2_PIECES =
  /(?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+/gu
