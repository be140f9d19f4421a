package io.asyncpg.geometry;

/**
 * A box3d: the smallest box around a geometry.
 *
 * @param minX the least X
 * @param minY the least Y
 * @param minZ the least Z
 * @param maxX the greatest X
 * @param maxY the greatest Y
 * @param maxZ the greatest Z
 */
public record Box3d(double minX, double minY, double minZ, double maxX, double maxY, double maxZ) {}
