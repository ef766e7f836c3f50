import { GGUF_VALUE_TYPES } from './gguf-format.ts'

/**
 * A value of fixed length in the metadata of a GGUF file.
 * @param type its number in the file; what is none of the others is a 64-bit float
 * @throws {RangeError} past the end of the view
 */
export function ggufScalarAt(view: DataView, at: number, type: number): number | bigint | boolean {
  switch (type) {
    case GGUF_VALUE_TYPES.uint8:
      return view.getUint8(at)
    case GGUF_VALUE_TYPES.int8:
      return view.getInt8(at)
    case GGUF_VALUE_TYPES.uint16:
      return view.getUint16(at, true)
    case GGUF_VALUE_TYPES.int16:
      return view.getInt16(at, true)
    case GGUF_VALUE_TYPES.uint32:
      return view.getUint32(at, true)
    case GGUF_VALUE_TYPES.int32:
      return view.getInt32(at, true)
    case GGUF_VALUE_TYPES.float32:
      return view.getFloat32(at, true)
    case GGUF_VALUE_TYPES.bool:
      return view.getUint8(at) !== 0
    case GGUF_VALUE_TYPES.uint64:
      return view.getBigUint64(at, true)
    case GGUF_VALUE_TYPES.int64:
      return view.getBigInt64(at, true)
    default:
      return view.getFloat64(at, true)
  }
}
