package io.asyncpg.types;

import io.asyncpg.types.value.Lsn;
import io.asyncpg.types.value.Snapshot;
import io.asyncpg.types.value.Tid;
import java.util.ArrayList;

/**
 * What the server says of itself: places of rows, log positions, snapshots, names of its objects.
 */
final class SystemCodecs {
  static final Codec<Tid> TID =
      new Codec<>() {
        @Override
        public Class<Tid> javaType() {
          return Tid.class;
        }

        @Override
        public void encode(Tid value, PgType type, ValueWriter out) {
          out.writeInt((int) value.block()).writeShort(value.offset());
        }

        @Override
        public Tid decode(PgType type, ValueReader in) {
          return new Tid(in.readUnsignedInt(), in.readUnsignedShort());
        }
      };

  static final Codec<Lsn> LSN =
      new Codec<>() {
        @Override
        public Class<Lsn> javaType() {
          return Lsn.class;
        }

        @Override
        public void encode(Lsn value, PgType type, ValueWriter out) {
          out.writeLong(value.value());
        }

        @Override
        public Lsn decode(PgType type, ValueReader in) {
          return new Lsn(in.readLong());
        }
      };

  static final Codec<Snapshot> SNAPSHOT =
      new Codec<>() {
        @Override
        public Class<Snapshot> javaType() {
          return Snapshot.class;
        }

        @Override
        public void encode(Snapshot value, PgType type, ValueWriter out) {
          out.writeInt(value.inProgress().size()).writeLong(value.xmin()).writeLong(value.xmax());
          value.inProgress().forEach(out::writeLong);
        }

        @Override
        public Snapshot decode(PgType type, ValueReader in) {
          int count = in.readCount(8);
          long xmin = in.readLong();
          long xmax = in.readLong();
          var inProgress = new ArrayList<Long>(count);
          for (int i = 0; i < count; i++) {
            inProgress.add(in.readLong());
          }
          return new Snapshot(xmin, xmax, inProgress);
        }
      };

  private SystemCodecs() {}

  static Conversions<Tid> tid() {
    return Conversions.of(TID, Tid::toString, Tid::parse);
  }

  static Conversions<Lsn> lsn() {
    return Conversions.of(LSN, Lsn::toString, Lsn::parse)
        .writes(CharSequence.class, text -> Lsn.parse(text.toString()));
  }

  static Conversions<Snapshot> snapshot() {
    return Conversions.of(SNAPSHOT, Snapshot::toString, Snapshot::parse);
  }

  /**
   * regclass and the like: the object's name, which depends on the search path; its OID is taken.
   */
  static Conversions<String> objectName() {
    return TextCodecs.text(TextCodecs.TEXT)
        .writes(Long.class, oid -> Long.toString(checkOid(oid)))
        .writes(Integer.class, oid -> Long.toString(checkOid(oid)));
  }

  private static long checkOid(long oid) {
    if (oid < 0 || oid > 0xFFFF_FFFFL) {
      throw new IllegalArgumentException("an OID lies between 0 and 4294967295");
    }
    return oid;
  }
}
