import { z } from 'zod'
import type { ConfigError } from '../../config/errors.ts'
import { badSettingsFile, readSettingsFile } from '../../config/settings-file.ts'
import type { NitroOptions } from './nitro/nitro.ts'
import { type FIRMWARE_PARTS, type Firmware, SNP_PRODUCTS } from './sev-snp/firmware.ts'
import type { SevSnpOptions } from './sev-snp/sev-snp.ts'

/** Which software in which hardware may have CONFIDENTIAL and PRIVATE content, as the operator says. */
export interface AttestedSoftware {
  nitro: NitroOptions
  sevSnp: SevSnpOptions
}

/** Trusts no software; evidence can be examined with it all the same. */
export const NO_ATTESTED_SOFTWARE: AttestedSoftware = {
  nitro: { roots: [], software: [] },
  sevSnp: { roots: [], software: [], leastFirmware: {} },
}

const FILE = {
  setting: 'privacy.attested',
  content: 'attested software',
  example: 'SECURITY.md',
  maxChars: 262_144,
}
const MAX_SOFTWARE = 256
const MAX_ROOTS = 16

/** What YAML takes for a number is told to be quoted. */
const hex = (bytes: number) =>
  z
    .string({ error: `expected ${2 * bytes} hex digits, in quotes` })
    .transform(text => text.replace(/^0x/, '').replaceAll(':', '').toLowerCase())
    .pipe(z.string().regex(new RegExp(`^[0-9a-f]{${2 * bytes}}$`), `expected ${2 * bytes} hex digits`))
/** A debug image measures as zero, and so does what was never measured. */
const measurement = hex(48).refine(text => !/^0*$/.test(text), 'must not be zero: that is a debug image')
const name = z
  .string()
  .min(1)
  .max(64)
  .regex(/^[\x20-\x7e]*$/, 'expected printable ASCII')
const roots = z.array(hex(32)).max(MAX_ROOTS).default([])
const version = z.int().min(0).max(255)

const firmwareSchema = z
  .strictObject({
    fmc: version.default(0),
    bootloader: version,
    tee: version,
    snp: version,
    microcode: version,
  } satisfies Record<(typeof FIRMWARE_PARTS)[number], unknown>)
  .transform((firmware): Firmware => firmware)

const fileSchema = z.strictObject({
  nitro: z
    .strictObject({
      roots,
      software: z
        .array(
          z.strictObject({
            name,
            pcrs: z
              .record(z.string().regex(/^pcr([0-9]|[12][0-9]|3[01])$/, 'expected pcr0 to pcr31'), measurement)
              .refine(
                pcrs => ['pcr0', 'pcr1', 'pcr2'].every(pcr => Object.hasOwn(pcrs, pcr)),
                'expected pcr0, pcr1 and pcr2 at least',
              ),
          }),
        )
        .max(MAX_SOFTWARE),
    })
    .default(NO_ATTESTED_SOFTWARE.nitro as never),
  'sev-snp': z
    .strictObject({
      roots,
      leastFirmware: z.partialRecord(z.enum(SNP_PRODUCTS), firmwareSchema),
      software: z.array(z.strictObject({ name, measurement })).max(MAX_SOFTWARE),
    })
    .default(NO_ATTESTED_SOFTWARE.sevSnp as never),
})

/**
 * Reads the file of `privacy.attested` (YAML or JSON), such as
 * `{nitro: {software: [{name, pcrs: {pcr0, pcr1, pcr2}}]}, sev-snp: {leastFirmware: {Milan: {bootloader, tee, snp,
 * microcode}}, software: [{name, measurement}]}}`; `roots` adds SHA-256 fingerprints to the pinned ones.
 * @throws {ConfigError} CONFIG_UNREADABLE, CONFIG_BAD_VALUE
 */
export async function readAttestedSoftware(path: string): Promise<AttestedSoftware> {
  return parseAttestedSoftware(path, await readSettingsFile({ ...FILE, path }))
}

/**
 * The same of what the file holds.
 * @throws {ConfigError} CONFIG_BAD_VALUE
 */
export function parseAttestedSoftware(path: string, value: unknown): AttestedSoftware {
  const parsed = fileSchema.safeParse(value)
  if (!parsed.success) {
    const [issue] = parsed.error.issues
    throw bad(path, `${issue?.path.join('.') || 'it'}: ${issue?.message ?? 'not understood'}`)
  }
  return { nitro: parsed.data.nitro, sevSnp: parsed.data['sev-snp'] }
}

function bad(path: string, what: string): ConfigError {
  return badSettingsFile({ ...FILE, path }, what)
}
