package io.asyncpg.types.value;

/**
 * An infinite line: all points where {@code a*x + b*y + c = 0}.
 *
 * @param a the factor of x
 * @param b the factor of y; not 0 where a is
 * @param c the constant
 */
public record Line(double a, double b, double c) {}
