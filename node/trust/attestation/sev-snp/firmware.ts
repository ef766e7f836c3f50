/** Lines of processors, by the names in AMD's root certificates. */
export const SNP_PRODUCTS = ['Milan', 'Genoa', 'Turin'] as const
export type SnpProduct = (typeof SNP_PRODUCTS)[number]

/** Security versions of what a processor trusts, as AMD counts them. */
export interface Firmware {
  /** Of Turin; 0 before it. */
  fmc: number
  bootloader: number
  tee: number
  snp: number
  microcode: number
}
export const FIRMWARE_PARTS = ['fmc', 'bootloader', 'tee', 'snp', 'microcode'] as const

/** Where the versions stand in a TCB_VERSION (AMD 56860, table 3; Turin has its own layout). */
const LAYOUTS: Record<SnpProduct, Partial<Firmware>> = {
  Milan: { bootloader: 0, tee: 1, snp: 6, microcode: 7 },
  Genoa: { bootloader: 0, tee: 1, snp: 6, microcode: 7 },
  Turin: { fmc: 0, bootloader: 1, tee: 2, snp: 3, microcode: 7 },
}

/** Of the 8 bytes of a TCB_VERSION. */
export function readFirmware(bytes: Uint8Array, product: SnpProduct): Firmware {
  return firmwareOf(part => bytes[LAYOUTS[product][part] ?? -1] ?? 0)
}

export function firmwareOf(version: (part: keyof Firmware) => number): Firmware {
  return Object.fromEntries(FIRMWARE_PARTS.map(part => [part, version(part)])) as unknown as Firmware
}

/** Whether no part is older. */
export function isAtLeast(firmware: Firmware, least: Firmware): boolean {
  return FIRMWARE_PARTS.every(part => firmware[part] >= least[part])
}

/** As `bootloader 3, tee 0, snp 20, microcode 209`. */
export function describeFirmware(firmware: Firmware): string {
  return FIRMWARE_PARTS.filter(part => part !== 'fmc' || firmware.fmc > 0)
    .map(part => `${part} ${firmware[part]}`)
    .join(', ')
}
