import { writeFileSync } from 'node:fs'
import { type AttestationVector, nitroCases, sevSnpCases } from './cases.ts'

/**
 * Writes `nitro.json` and `sev-snp.json` beside this file: evidence by a test authority, and what comes of it;
 * of each refusal the first case. Keys and signatures are new each time; run by hand when the protocol changes
 * (`node test/vectors/attestation/generate.ts`).
 */
for (const [name, cases] of [
  ['nitro', nitroCases()],
  ['sev-snp', sevSnpCases()],
] as const)
  writeFileSync(new URL(`${name}.json`, import.meta.url), `${JSON.stringify(firstOfEach(cases), null, 1)}\n`)

function firstOfEach(cases: readonly AttestationVector[]): AttestationVector[] {
  const seen = new Set(['TOO_LARGE'])
  return cases.filter(({ result }) => {
    if ('software' in result) return true
    return !seen.has(result.refused) && seen.add(result.refused)
  })
}
