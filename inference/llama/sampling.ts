import type { SequenceEvaluateOptions } from 'node-llama-cpp'
import { EngineError, type SamplingParameters } from '../engine.ts'

/** llama.cpp takes this seed for "any seed". */
const RANDOM_SEED = 0xffff_ffff

/**
 * The seed of a continuation after `written` tokens: mixed with their number (murmur3's finaliser),
 * so that it does not repeat the draws with which they were sampled.
 */
export function continuationSeed(seed: number, written: number): number {
  let mixed = seed >>> 0
  if (written > 0) {
    mixed = (mixed ^ Math.imul(written, 0x9e37_79b1)) >>> 0
    mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85eb_ca6b)
    mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2_ae35)
    mixed = (mixed ^ (mixed >>> 16)) >>> 0
  }
  return mixed === RANDOM_SEED ? RANDOM_SEED - 1 : mixed
}

/**
 * Sampling as node-llama-cpp takes it.
 * @param written output tokens that a continuation brings along
 * @throws {EngineError} INPUT_INVALID
 */
export function evaluateOptions(sampling: SamplingParameters, written: number): SequenceEvaluateOptions {
  const { temperature, topP, topK, minP, seed } = sampling
  const isValid =
    temperature >= 0 &&
    Number.isFinite(temperature) &&
    topP >= 0 &&
    topP <= 1 &&
    minP >= 0 &&
    minP <= 1 &&
    Number.isInteger(topK) &&
    topK >= 0 &&
    Number.isInteger(seed) &&
    seed >= 0 &&
    seed <= 0xffff_ffff
  if (!isValid) {
    throw new EngineError('INPUT_INVALID', 'a sampling parameter is out of range', {
      fix: 'Use temperature from 0, topP and minP from 0 to 1, a whole topK from 0, and an unsigned 32-bit seed.',
      details: { temperature, topP, topK, minP, seed },
    })
  }
  return { temperature, topP, topK, minP, seed: continuationSeed(seed, written), yieldEogToken: true }
}
