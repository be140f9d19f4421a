package io.asyncpg.client;

import io.asyncpg.types.DescribedColumn;
import io.asyncpg.types.PgType;

/**
 * One column of a result (manual, "Message Formats", RowDescription).
 *
 * @param name its name; several columns of a result may have the same
 * @param type its type
 * @param tableOid the table it comes from, or 0
 * @param attribute its number in that table, or 0
 * @param typmod its type's modifier, or -1
 */
public record Column(String name, PgType type, int tableOid, int attribute, int typmod)
    implements DescribedColumn {}
