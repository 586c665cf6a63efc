/*
 * The probability p of counts at least as uneven as these, if every key is placed at random. A p near 0 means that the
 * hash favours some places. A p near 1 means that the counts are more even than random ones, as with a made-up list of
 * keys.
 */

/** The relative size below which a term ends a series: the precision of a double. */
const PRECISION = 2 ** -52;

/** The statistic against the expected counts: Σ (count − expected)² ÷ expected. */
export function chiSquareOf(counts: readonly number[], expected: readonly number[]): number {
  return counts.reduce((sum, count, index) => {
    const ideal = expected[index] ?? 0;
    return sum + (count - ideal) ** 2 / ideal;
  }, 0);
}

/**
 * The probability of a chi-square of at least `chiSquare`; 1 without a degree of freedom. It is the upper incomplete
 * gamma function Q(a, x) at half the two arguments: NIST DLMF 8.2.4. It is computed by the series 8.11.4 if x is small
 * against a, and otherwise by the continued fraction 8.9.2; each converges fast in its range.
 */
export function chiSquareP(chiSquare: number, degreesOfFreedom: number): number {
  if (!Number.isInteger(degreesOfFreedom) || degreesOfFreedom < 0 || !(chiSquare >= 0)) {
    throw new RangeError(`no p for a chi-square of ${chiSquare} with ${degreesOfFreedom} degrees of freedom`);
  }
  if (degreesOfFreedom === 0 || chiSquare === 0) return 1;
  const a = degreesOfFreedom / 2;
  const x = chiSquare / 2;
  return x < a + 1 ? 1 - lowerBySeries(a, x) : upperByFraction(a, x);
}

function lowerBySeries(a: number, x: number): number {
  let term = 1 / a;
  let sum = term;
  for (let n = 1; term > sum * PRECISION; n += 1) {
    term *= x / (a + n);
    sum += term;
  }
  return sum * scale(a, x);
}

/** Lentz's modified method: it computes the fraction from the front, as the ratio of two continued denominators. */
function upperByFraction(a: number, x: number): number {
  let b = x + 1 - a;
  let ratio = Infinity;
  let inverse = 1 / b;
  let fraction = inverse;
  for (let n = 1, change = 0; Math.abs(change - 1) > PRECISION && n < 10_000; n += 1) {
    const numerator = n * (a - n);
    b += 2;
    inverse = 1 / (numerator * inverse + b);
    ratio = b + numerator / ratio;
    change = inverse * ratio;
    fraction *= change;
  }
  return fraction * scale(a, x);
}

/** x^a e^−x ÷ Γ(a), by logarithms, because each factor alone overflows. */
function scale(a: number, x: number): number {
  return Math.exp(a * Math.log(x) - x - logGammaOfHalves(a));
}

/** Returns ln Γ(a) for a whole or half a. It uses Γ(a) = (a − 1) Γ(a − 1) down to Γ(1) = 1 or Γ(½) = √π. */
function logGammaOfHalves(a: number): number {
  let log = Number.isInteger(a) ? 0 : Math.log(Math.PI) / 2;
  for (let factor = a - 1; factor > 0; factor -= 1) log += Math.log(factor);
  return log;
}
