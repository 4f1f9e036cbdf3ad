/**
 * 2^t for four t ≤ 0 (or above by rounding), relative error below 3e-7: range reduction and a polynomial, as in Cody and
 * Waite 1980, Software manual for the elementary functions.
 *
 * t = n + r with n the nearest integer and |r| ≤ ½. Adding 1.5·2²³ leaves n in the low bits of the
 * mantissa (no conversion instruction, which SIMD lacks on x86); 2^r is the polynomial of degree 5 that is 1 at 0 and has
 * the smallest relative error (9e-8); n is added to the exponent field of the result. Below 2⁻¹²⁶ the kernel is 0 for all
 * purposes, so t is clamped there.
 */
// @ts-ignore: decorator
@inline
export function exp2(t: v128): v128 {
  t = f32x4.pmax(t, f32x4.splat(-126));
  const magic = f32x4.splat(12582912);
  const shifted = f32x4.add(t, magic);
  const r = f32x4.sub(t, f32x4.sub(shifted, magic));
  let p = f32x4.splat(1.3264727e-3);
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(9.6715126e-3));
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(5.5507337e-2));
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(2.4022242e-1));
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(6.9314698e-1));
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(1));
  return i32x4.add(p, i32x4.shl(shifted, 23));
}
