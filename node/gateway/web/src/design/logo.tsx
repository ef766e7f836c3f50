/** One fish of the shoal, swimming right; 11.5 wide, 5 high, around the middle. */
export const FISH = 'M6.5 0c-2.5-3.2-6.5-3.2-9 0l-2.5-2v4l2.5-2c2.5 3.2 6.5 3.2 9 0z'

export function Logo({ size = 32 }: { size?: number }) {
  return (
    <svg className="logo" width={size} height={size} viewBox="0 0 32 32" aria-hidden="true">
      <g fill="currentColor">
        <path d={FISH} transform="translate(9.5 6.5) scale(1.35)" />
        <path d={FISH} transform="translate(9.5 25.5) scale(1.35)" />
      </g>
      <path d={FISH} className="logo-roe" transform="translate(20.5 16) scale(1.5)" />
    </svg>
  )
}
