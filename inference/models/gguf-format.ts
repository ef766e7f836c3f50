/** Numbers of the types of metadata values (docs/gguf.md of ggml). */
export const GGUF_VALUE_TYPES = {
  uint8: 0,
  int8: 1,
  uint16: 2,
  int16: 3,
  uint32: 4,
  int32: 5,
  float32: 6,
  bool: 7,
  string: 8,
  array: 9,
  uint64: 10,
  int64: 11,
  float64: 12,
} as const

/** Tensor data begins at multiples of this many bytes unless a file says otherwise. */
export const GGUF_DEFAULT_ALIGNMENT = 32
