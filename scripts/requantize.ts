import { parseArgs } from 'node:util'
import { WRITABLE_TYPES, type WritableType } from '../inference/models/quantize.ts'
import { requantize } from './gguf/variants.ts'

/**
 * Packs a model's matrices as another tensor type: what a provider does that saves memory unseen. For experiments
 * with audits (`scripts/roc.ts`); as good as llama.cpp's own for types without an importance matrix, and for small files:
 * a tensor is held in memory whole.
 */
const HELP = `usage: node scripts/requantize.ts IN.gguf OUT.gguf --type ${Object.keys(WRITABLE_TYPES).join('|')}

Matrices become the type named; where a row is no whole number of its blocks, Q4_0; the first and the last
matrix keep at least Q8_0, norms stay as they are. IN may hold tensors of the same types.`

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { type: { type: 'string' }, help: { type: 'boolean', short: 'h' } },
})
const [from, to] = positionals
const type = values.type as WritableType
if (values.help === true) {
  console.log(HELP)
  process.exit()
}
if (from === undefined || to === undefined || !(type in WRITABLE_TYPES)) {
  console.error(HELP)
  process.exit(2)
}
const written = await requantize(from, to, type)
console.log(`${to}: ${written} bytes, ${type}`)
