package io.asyncpg.types;

import java.util.List;
import java.util.Objects;

/**
 * A row of pg_type with all it depends on. Immutable. Two are equal when their OID, their name and
 * all they depend on are.
 */
public sealed interface PgType {
  /**
   * The type's OID.
   *
   * @return an unsigned 32-bit number in an int
   */
  int oid();

  /**
   * The schema the type lives in, unquoted.
   *
   * @return pg_namespace.nspname
   */
  String schema();

  /**
   * The type's name, unquoted and without its schema.
   *
   * @return pg_type.typname, {@code _int4} for an array of int4
   */
  String name();

  /**
   * The name as a person would write it.
   *
   * @return {@code int4[]}, {@code app.mood}; the schema is left out for built-in types
   */
  default String displayName() {
    return schema().equals("pg_catalog") ? name() : schema() + "." + name();
  }

  /**
   * The character between the elements of an array of this type in text.
   *
   * @return pg_type.typdelim: a comma for all but box
   */
  default char delimiter() {
    return ',';
  }

  /**
   * A scalar type.
   *
   * @param oid the type's OID, unsigned
   * @param schema the schema it lives in
   * @param name its name
   * @param delimiter pg_type.typdelim; {@code ;} for box, a comma for all others
   */
  record Base(int oid, String schema, String name, char delimiter) implements PgType {
    @Override
    public String toString() {
      return displayName();
    }
  }

  /**
   * An array, of any number of dimensions.
   *
   * @param oid the type's OID, unsigned
   * @param schema the schema it lives in
   * @param name its name as pg_type has it, {@code _int4}
   * @param element the type of its elements
   */
  record Array(int oid, String schema, String name, PgType element) implements PgType {
    @Override
    public String displayName() {
      return name.startsWith("_") ? element.displayName() + "[]" : PgType.super.displayName();
    }

    @Override
    public String toString() {
      return displayName();
    }
  }

  /**
   * A range.
   *
   * @param oid the type's OID, unsigned
   * @param schema the schema it lives in
   * @param name its name
   * @param subtype the type of its bounds
   */
  record Range(int oid, String schema, String name, PgType subtype) implements PgType {
    @Override
    public String toString() {
      return displayName();
    }
  }

  /**
   * An ordered list of ranges that do not touch.
   *
   * @param oid the type's OID, unsigned
   * @param schema the schema it lives in
   * @param name its name
   * @param range the type of its members
   */
  record Multirange(int oid, String schema, String name, Range range) implements PgType {
    @Override
    public String toString() {
      return displayName();
    }
  }

  /**
   * A type with constraints on another.
   *
   * @param oid the type's OID, unsigned
   * @param schema the schema it lives in
   * @param name its name
   * @param base the type it is over, which may be a domain again
   */
  record Domain(int oid, String schema, String name, PgType base) implements PgType {
    @Override
    public char delimiter() {
      return base.delimiter();
    }

    @Override
    public String toString() {
      return displayName();
    }
  }

  /**
   * An enum.
   *
   * @param oid the type's OID, unsigned
   * @param schema the schema it lives in
   * @param name its name
   * @param labels its labels in their order
   */
  record Enumeration(int oid, String schema, String name, List<String> labels) implements PgType {
    /**
     * Copies the labels.
     *
     * @param oid the type's OID, unsigned
     * @param schema the schema it lives in
     * @param name its name
     * @param labels its labels in their order
     */
    public Enumeration {
      labels = List.copyOf(labels);
    }

    @Override
    public String toString() {
      return displayName();
    }
  }

  /**
   * A composite type, or the row type of a table.
   *
   * @param oid the type's OID, unsigned
   * @param schema the schema it lives in
   * @param name its name
   * @param attributes its attributes in their order, without dropped ones
   */
  record Composite(int oid, String schema, String name, List<Attribute> attributes)
      implements PgType {
    /**
     * Copies the attributes.
     *
     * @param oid the type's OID, unsigned
     * @param schema the schema it lives in
     * @param name its name
     * @param attributes its attributes in their order, without dropped ones
     */
    public Composite {
      attributes = List.copyOf(attributes);
    }

    // The graph below may be large, and registries hash types often: the name is enough to spread.
    @Override
    public int hashCode() {
      return Objects.hash(oid, schema, name);
    }

    @Override
    public boolean equals(Object other) {
      return this == other
          || (other instanceof Composite that
              && oid == that.oid
              && schema.equals(that.schema)
              && name.equals(that.name)
              && attributes.equals(that.attributes));
    }

    @Override
    public String toString() {
      return displayName();
    }

    /**
     * One attribute of a composite type.
     *
     * @param name the attribute's name
     * @param type the attribute's type
     */
    public record Attribute(String name, PgType type) {}
  }

  /**
   * What no column can have but a result or a parameter may: record, void, unknown, cstring and the
   * like.
   *
   * @param oid the type's OID, unsigned
   * @param schema the schema it lives in
   * @param name its name
   */
  record Pseudo(int oid, String schema, String name) implements PgType {
    @Override
    public String toString() {
      return displayName();
    }
  }
}
