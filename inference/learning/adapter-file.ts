import { createHash } from 'node:crypto'
import { type FileHandle, open } from 'node:fs/promises'
import { encodeGgufHead, type GgufValue } from '../models/gguf-writer.ts'
import {
  type Adapter,
  type AdapterLimits,
  type AdapterModule,
  DEFAULT_ADAPTER_LIMITS,
  type ExpectedAdapter,
  MODEL_DIGEST_PATTERN,
  type ModelDigest,
} from './adapter.ts'
import { bad, checkArchitecture, checkKey, checkMetadata, checkName, isName } from './adapter-metadata.ts'
import { IS_LITTLE_ENDIAN, type ParsedGguf, type ParsedTensor, parseGguf } from './adapter-parser.ts'
import { writeFileDurably } from './durable-file.ts'
import { AdapterError } from './errors.ts'

/** An adapter made by another program lacks what Shoal asks of one; whoever takes it in says it. */
export interface ImportOptions {
  /** The base it is used with. */
  base: ModelDigest
  /** When the file has no name that can be used. */
  name: string
}

const MODULE_PATTERN = /^(?:blk\.(?:0|[1-9]\d{0,3})\.(?:attn_(?:q|k|v|output)|ffn_(?:gate|up|down))|output)$/
const BASE_KEY = 'shoal.base.digest'
const METADATA_PREFIX = 'shoal.meta.'
/** Keys of our own files besides the free ones. */
const KNOWN_KEYS: ReadonlySet<string> = new Set([
  'general.architecture',
  'general.type',
  'general.name',
  'adapter.type',
  'adapter.lora.alpha',
  BASE_KEY,
])
const ALIGNMENT = 32

/**
 * The bytes of an adapter's file: GGUF as llama.cpp reads LoRA adapters. Equal adapters have equal bytes. Alpha is
 * kept as a 32-bit float.
 * @throws {AdapterError} OVERSIZE, BAD_METADATA, WRONG_SHAPE, NOT_FINITE: what decodeAdapter would refuse
 */
export function encodeAdapter(adapter: Adapter): Uint8Array {
  checkForm(adapter, DEFAULT_ADAPTER_LIMITS)
  const text = (value: string): GgufValue => ({ type: 'string', value })
  const metadata: Record<string, GgufValue> = {
    'general.architecture': text(adapter.architecture),
    'general.type': text('adapter'),
    'general.name': text(adapter.name),
    'adapter.type': text('lora'),
    'adapter.lora.alpha': { type: 'float32', value: adapter.alpha },
    [BASE_KEY]: text(adapter.base),
  }
  for (const key of Object.keys(adapter.metadata).sort()) {
    metadata[`${METADATA_PREFIX}${key}`] = text(adapter.metadata[key]!)
  }
  const { rank } = adapter
  const parts = sortedByName(adapter.modules).flatMap(({ name, inputs, outputs, a, b }) => [
    { name: `${name}.weight.lora_a`, shape: [inputs, rank], elements: a },
    { name: `${name}.weight.lora_b`, shape: [rank, outputs], elements: b },
  ])
  const head = encodeGgufHead({
    metadata,
    tensors: parts.map(({ name, shape, elements }) => ({
      ...{ name, shape, type: 'F32' as const },
      elements: () => [elements],
    })),
  })
  const length = parts.reduce((total, { elements }) => total + padded(4 * elements.length), head.length)
  const bytes = new Uint8Array(length)
  bytes.set(head)
  let at = head.length
  for (const { elements } of parts) {
    putFloats(bytes, at, elements)
    at += padded(4 * elements.length)
  }
  return bytes
}

/**
 * Reads an adapter whose bytes may come from anybody. It takes only what `encodeAdapter` writes, byte for byte, so
 * that an adapter and its digest mean the same.
 * @throws {AdapterError} NOT_GGUF, TRUNCATED, OVERSIZE, BAD_METADATA, WRONG_TYPE, WRONG_SHAPE, NOT_FINITE,
 *   NOT_CANONICAL
 */
export function decodeAdapter(bytes: Uint8Array, limits: AdapterLimits = DEFAULT_ADAPTER_LIMITS): Adapter {
  const gguf = parseGguf(bytes, limits)
  for (const key of gguf.metadata.keys()) {
    if (!KNOWN_KEYS.has(key) && !key.startsWith(METADATA_PREFIX)) throw bad('metadata', 'has an unknown key')
  }
  const base = textOf(gguf, BASE_KEY)
  if (base === null) throw bad('metadata', `lacks ${BASE_KEY}`)
  const adapter = adapterOf(gguf, { base, name: textOf(gguf, 'general.name') ?? '' }, limits)
  if (Buffer.compare(encodeAdapter(adapter), bytes) !== 0) {
    throw new AdapterError('NOT_CANONICAL', 'the adapter is not written the way Shoal writes adapters', {
      fix: 'Convert it: shoal learn train --initial FILE, or write it with encodeAdapter.',
    })
  }
  return adapter
}

/**
 * Takes in an adapter that another program wrote: any order, F16 and BF16 too; what it says besides is dropped.
 * @throws {AdapterError} as decodeAdapter
 */
export function importAdapter(
  bytes: Uint8Array,
  options: ImportOptions,
  limits: AdapterLimits = DEFAULT_ADAPTER_LIMITS,
): Adapter {
  const gguf = parseGguf(bytes, limits)
  const base = textOf(gguf, BASE_KEY)
  if (base !== null && base !== options.base) throw wrongBase()
  const name = textOf(gguf, 'general.name')
  return adapterOf(gguf, name !== null && isName(name) ? { ...options, name } : options, limits)
}

/** @throws {AdapterError} as decodeAdapter, and NOT_FOUND */
export async function readAdapterFile(
  path: string,
  limits: AdapterLimits = DEFAULT_ADAPTER_LIMITS,
): Promise<Adapter> {
  return decodeAdapter(await readBounded(path, limits.maxBytes), limits)
}

/** @throws {AdapterError} as importAdapter, and NOT_FOUND */
export async function importAdapterFile(
  path: string,
  options: ImportOptions,
  limits: AdapterLimits = DEFAULT_ADAPTER_LIMITS,
): Promise<Adapter> {
  return importAdapter(await readBounded(path, limits.maxBytes), options, limits)
}

/** Writes the file whole or not at all, and to the disk before it returns. @throws {AdapterError} as encodeAdapter */
export async function writeAdapterFile(
  path: string,
  adapter: Adapter,
): Promise<{ digest: ModelDigest; bytes: number }> {
  const bytes = encodeAdapter(adapter)
  await writeFileDurably(path, bytes)
  return { digest: adapterDigest(bytes), bytes: bytes.length }
}

/** Digest of an adapter's file. @throws {AdapterError} as encodeAdapter */
export function adapterDigest(adapter: Adapter | Uint8Array): ModelDigest {
  const bytes = adapter instanceof Uint8Array ? adapter : encodeAdapter(adapter)
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`
}

/** `name@sha256:…`: what an adapter is called everywhere. */
export function adapterModelId(adapter: Adapter): string {
  return `${adapter.name}@${adapterDigest(adapter)}`
}

/**
 * Checks that an adapter is the one that is expected.
 * @throws {AdapterError} WRONG_BASE, WRONG_ARCHITECTURE, WRONG_RANK, WRONG_ALPHA, WRONG_MODULES, WRONG_SHAPE
 */
export function checkAdapter(adapter: Adapter, expected: ExpectedAdapter): void {
  if (adapter.base !== expected.base) throw wrongBase()
  if (adapter.architecture !== expected.architecture) {
    throw misfit('WRONG_ARCHITECTURE', `is for ${adapter.architecture}, the base is ${expected.architecture}`)
  }
  if (expected.rank !== undefined && adapter.rank !== expected.rank) {
    throw misfit('WRONG_RANK', `has the rank ${adapter.rank} instead of ${expected.rank}`)
  }
  if (expected.alpha !== undefined && Math.fround(adapter.alpha) !== Math.fround(expected.alpha)) {
    throw misfit('WRONG_ALPHA', `has alpha ${adapter.alpha} instead of ${expected.alpha}`)
  }
  if (expected.modules === undefined) return
  const wanted = new Map(expected.modules.map(module => [module.name, module]))
  for (const { name, inputs, outputs } of adapter.modules) {
    const shape = wanted.get(name)
    if (shape === undefined) throw misfit('WRONG_MODULES', `changes ${name}, which it should not`)
    if (shape.inputs !== inputs || shape.outputs !== outputs) {
      throw misfit(
        'WRONG_SHAPE',
        `has ${name} from ${inputs} to ${outputs} instead of from ${shape.inputs} to ${shape.outputs}`,
      )
    }
    wanted.delete(name)
  }
  const [missing] = wanted.keys()
  if (missing !== undefined) throw misfit('WRONG_MODULES', `lacks ${missing}`)
}

function adapterOf(
  gguf: ParsedGguf,
  said: { base: ModelDigest; name: string },
  limits: AdapterLimits,
): Adapter {
  const kind = textOf(gguf, 'general.type')
  if (kind !== null && kind !== 'adapter') throw notAnAdapter()
  if (textOf(gguf, 'adapter.type') !== 'lora') throw notAnAdapter()
  const alpha = gguf.metadata.get('adapter.lora.alpha')
  if (typeof alpha !== 'number') throw bad('metadata', 'lacks adapter.lora.alpha')
  const metadata: Record<string, string> = {}
  for (const [key, value] of gguf.metadata) {
    if (!key.startsWith(METADATA_PREFIX)) continue
    if (typeof value !== 'string') throw bad('metadata', 'has a value that is no text')
    const name = key.slice(METADATA_PREFIX.length)
    // Before it becomes a property: `__proto__` would be none.
    checkKey(name)
    metadata[name] = value
  }
  const modules = modulesOf(gguf.tensors)
  const adapter: Adapter = {
    architecture: textOf(gguf, 'general.architecture') ?? '',
    name: said.name,
    rank: modules[0]?.a === undefined ? 0 : modules[0].a.length / modules[0].inputs,
    alpha,
    base: said.base,
    modules,
    metadata,
  }
  checkForm(adapter, limits)
  return adapter
}

/** Pairs `…lora_a` with `…lora_b`. */
function modulesOf(tensors: readonly ParsedTensor[]): AdapterModule[] {
  const pairs = new Map<string, { a?: ParsedTensor; b?: ParsedTensor }>()
  for (const tensor of tensors) {
    const match = /^(.+)\.weight\.lora_([ab])$/.exec(tensor.name)
    const [, name, part] = match ?? []
    if (name === undefined || !MODULE_PATTERN.test(name))
      throw misfit('WRONG_MODULES', 'changes what no adapter changes')
    const pair = pairs.get(name) ?? {}
    if (pair[part as 'a' | 'b'] !== undefined) throw misfit('WRONG_MODULES', `has a tensor of ${name} twice`)
    pair[part as 'a' | 'b'] = tensor
    pairs.set(name, pair)
  }
  const modules = [...pairs].map(([name, { a, b }]) => {
    if (a === undefined || b === undefined) throw misfit('WRONG_MODULES', `has only half of ${name}`)
    if (a.shape[1] !== b.shape[0])
      throw misfit('WRONG_SHAPE', `has halves of ${name} that do not fit together`)
    return { name, inputs: a.shape[0], outputs: b.shape[1], a: a.elements(), b: b.elements() }
  })
  return sortedByName(modules)
}

/** What holds of every adapter, written or read. */
function checkForm(adapter: Adapter, limits: AdapterLimits): void {
  checkName(adapter.name)
  checkArchitecture(adapter.architecture)
  checkMetadata(adapter.metadata)
  if (!MODEL_DIGEST_PATTERN.test(adapter.base)) throw bad('base', 'is no digest')
  const { rank, alpha, modules } = adapter
  if (!(Math.fround(alpha) > 0 && Number.isFinite(Math.fround(alpha)))) {
    throw misfit('WRONG_ALPHA', 'has an alpha that is no positive number')
  }
  if (modules.length === 0) throw misfit('WRONG_MODULES', 'changes nothing')
  if (modules.length > limits.maxModules) throw tooLarge(`changes more than ${limits.maxModules} layers`)
  if (!Number.isInteger(rank) || rank < 1) throw misfit('WRONG_RANK', 'has an impossible rank')
  if (rank > limits.maxRank) throw tooLarge(`has the rank ${rank}, at most ${limits.maxRank} is taken`)
  const names = new Set<string>()
  for (const module of modules) {
    if (!MODULE_PATTERN.test(module.name)) throw misfit('WRONG_MODULES', 'changes what no adapter changes')
    if (names.has(module.name)) throw misfit('WRONG_MODULES', `changes ${module.name} twice`)
    names.add(module.name)
    checkModule(module, rank, limits)
  }
}

function checkModule(
  { name, inputs, outputs, a, b }: AdapterModule,
  rank: number,
  limits: AdapterLimits,
): void {
  for (const size of [inputs, outputs]) {
    if (!Number.isInteger(size) || size < 1) throw misfit('WRONG_SHAPE', `has ${name} of an impossible size`)
    if (size > limits.maxDimension) throw tooLarge(`has ${name} of ${size} rows or columns`)
  }
  if (a.length !== rank * inputs || b.length !== rank * outputs) {
    throw misfit('WRONG_SHAPE', `has ${name} of another rank than its first layer`)
  }
  if (!allFinite(a) || !allFinite(b)) {
    throw new AdapterError('NOT_FINITE', `the adapter has weights of ${name} that are no finite numbers`, {
      fix: 'Train it again with a smaller learning rate.',
    })
  }
}

/** 0 times anything finite is 0, times NaN or an infinity NaN; the loop has no branch and is quick. */
function allFinite(values: Float32Array): boolean {
  let sum = 0
  for (let i = 0; i < values.length; i++) sum += values[i]! * 0
  return sum === 0
}

function sortedByName<T extends { name: string }>(modules: readonly T[]): T[] {
  return [...modules].sort((x, y) => (x.name < y.name ? -1 : x.name > y.name ? 1 : 0))
}

function putFloats(bytes: Uint8Array, at: number, values: Float32Array): void {
  if (IS_LITTLE_ENDIAN) {
    bytes.set(new Uint8Array(values.buffer, values.byteOffset, values.byteLength), at)
    return
  }
  const view = new DataView(bytes.buffer)
  for (const [i, value] of values.entries()) view.setFloat32(at + 4 * i, value, true)
}

function padded(bytes: number): number {
  return Math.ceil(bytes / ALIGNMENT) * ALIGNMENT
}

function textOf(gguf: ParsedGguf, key: string): string | null {
  const value = gguf.metadata.get(key)
  if (value === undefined) return null
  if (typeof value !== 'string') throw bad('metadata', `has a ${key} that is no text`)
  return value
}

/** Reads a whole file, but never more than `maxBytes` of it. */
async function readBounded(path: string, maxBytes: number): Promise<Uint8Array> {
  let handle: FileHandle
  try {
    handle = await open(path, 'r')
  } catch (error) {
    throw new AdapterError('NOT_FOUND', `the adapter ${path} cannot be opened (${codeOf(error)})`, {
      fix: 'Check the path, and the right of this user to read the file.',
      details: { path },
      cause: error,
    })
  }
  try {
    const stats = await handle.stat()
    if (!stats.isFile())
      throw new AdapterError('NOT_GGUF', `${path} is no file`, { fix: 'Name an adapter file.' })
    if (stats.size > maxBytes) throw tooLarge(`has ${stats.size} bytes, at most ${maxBytes} are taken`)
    const bytes = new Uint8Array(stats.size)
    let done = 0
    while (done < bytes.length) {
      const { bytesRead } = await handle.read(bytes, done, bytes.length - done, done)
      if (bytesRead === 0) break
      done += bytesRead
    }
    return bytes.subarray(0, done)
  } finally {
    await handle.close()
  }
}

function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? 'unknown error'
}

const misfit = (
  code: 'WRONG_ARCHITECTURE' | 'WRONG_RANK' | 'WRONG_ALPHA' | 'WRONG_MODULES' | 'WRONG_SHAPE',
  problem: string,
) =>
  new AdapterError(code, `the adapter ${problem}`, {
    fix: 'Use an adapter that was trained for this base with these settings.',
  })

const wrongBase = () =>
  new AdapterError('WRONG_BASE', 'the adapter was made for another base model', {
    fix: 'Name the base it was trained on; adapters fit no other.',
  })

const notAnAdapter = () =>
  new AdapterError('WRONG_TYPE', 'the file is a GGUF file, but no LoRA adapter', {
    fix: 'Name the adapter, not its base model.',
  })

const tooLarge = (problem: string) =>
  new AdapterError('OVERSIZE', `the adapter ${problem}`, {
    fix: 'Train it with a smaller rank or on fewer layers.',
  })
