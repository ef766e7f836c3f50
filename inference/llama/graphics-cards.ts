/**
 * Names under which drivers show a processor as if it were a graphics card: Mesa's lavapipe (llvmpipe), SwiftShader and
 * Microsoft's WARP. Linux desktops and browsers bring the first along.
 */
const SOFTWARE = [/\bllvmpipe\b/i, /\bswiftshader\b/i, /\bmicrosoft basic render driver\b/i]

/**
 * Whether there is a graphics card among devices. A backend without one computes on the processor, slower than the CPU backend
 * does, and counts as another backend, for which nobody has calibrated audits.
 * @param devices as the driver names them; empty where a driver was found and nothing for it to drive
 */
export function haveGraphicsCard(devices: readonly string[]): boolean {
  return devices.some(device => !SOFTWARE.some(pattern => pattern.test(device)))
}
