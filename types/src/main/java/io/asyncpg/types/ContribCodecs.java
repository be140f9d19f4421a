package io.asyncpg.types;

import io.asyncpg.error.PgCodecException;
import io.asyncpg.types.value.SparseVector;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** Types of extensions: hstore, and pgvector's vector, halfvec and sparsevec. */
final class ContribCodecs {
  /**
   * hstore: an int32 count, then for each pair key and value, each after its length; -1 for NULL.
   */
  @SuppressWarnings("rawtypes")
  static final Codec<Map> HSTORE =
      new Codec<>() {
        @Override
        public Class<Map> javaType() {
          return Map.class;
        }

        @Override
        public void encode(Map value, PgType type, ValueWriter out) {
          Map<?, ?> pairs = value;
          out.writeInt(pairs.size());
          for (Map.Entry<?, ?> pair : pairs.entrySet()) {
            if (pair.getKey() == null) {
              throw new PgCodecException("a key that is null does not fit hstore");
            }
            string(pair.getKey(), out);
            if (pair.getValue() == null) {
              out.writeInt(-1);
            } else {
              string(pair.getValue(), out);
            }
          }
        }

        private void string(Object value, ValueWriter out) {
          if (!(value instanceof CharSequence text)) {
            throw new PgCodecException(
                value.getClass().getName()
                    + " cannot become part of hstore: its keys and values are java.lang.String");
          }
          int mark = out.beginLength();
          out.writeUtf8(text);
          out.endLength(mark);
        }

        @Override
        public Map<String, @Nullable String> decode(PgType type, ValueReader in) {
          int count = in.readCount(8);
          var pairs = new LinkedHashMap<String, @Nullable String>();
          for (int i = 0; i < count; i++) {
            String key = in.readValue(TextCodecs.UTF8, type);
            if (key == null) {
              throw new PgCodecException("hstore with a key that is NULL");
            }
            pairs.put(key, in.readValue(TextCodecs.UTF8, type));
          }
          return Collections.unmodifiableMap(pairs);
        }
      };

  /** vector: int16 dimensions, int16 unused, float4 each. */
  static final Codec<float[]> VECTOR =
      new Codec<>() {
        @Override
        public Class<float[]> javaType() {
          return float[].class;
        }

        @Override
        public void encode(float[] value, PgType type, ValueWriter out) {
          out.writeShort(dimensions(value, type)).writeShort(0);
          for (float each : value) {
            out.writeFloat(each);
          }
        }

        @Override
        public float[] decode(PgType type, ValueReader in) {
          var values = new float[dimensions(type, in, 4)];
          for (int i = 0; i < values.length; i++) {
            values[i] = in.readFloat();
          }
          return values;
        }
      };

  /** halfvec: int16 dimensions, int16 unused, IEEE 754 halves. */
  static final Codec<float[]> HALFVEC =
      new Codec<>() {
        @Override
        public Class<float[]> javaType() {
          return float[].class;
        }

        @Override
        public void encode(float[] value, PgType type, ValueWriter out) {
          out.writeShort(dimensions(value, type)).writeShort(0);
          for (float each : value) {
            out.writeShort(Halves.fromFloat(each));
          }
        }

        @Override
        public float[] decode(PgType type, ValueReader in) {
          var values = new float[dimensions(type, in, 2)];
          for (int i = 0; i < values.length; i++) {
            values[i] = Halves.toFloat(in.readShort());
          }
          return values;
        }
      };

  /** sparsevec: int32 dimensions, count, unused; count indexes from 0; count float4. */
  static final Codec<SparseVector> SPARSEVEC =
      new Codec<>() {
        @Override
        public Class<SparseVector> javaType() {
          return SparseVector.class;
        }

        @Override
        public void encode(SparseVector value, PgType type, ValueWriter out) {
          out.writeInt(value.dimensions()).writeInt(value.elements().size()).writeInt(0);
          value.elements().keySet().forEach(index -> out.writeInt(index - 1));
          value.elements().values().forEach(out::writeFloat);
        }

        @Override
        public SparseVector decode(PgType type, ValueReader in) {
          int dimensions = in.readInt();
          int count = in.readCount(8);
          in.skip(4);
          var indexes = new int[count];
          for (int i = 0; i < count; i++) {
            indexes[i] = in.readInt();
          }
          var elements = new TreeMap<Integer, Float>();
          for (int index : indexes) {
            elements.put(index + 1, in.readFloat());
          }
          try {
            return new SparseVector(dimensions, elements);
          } catch (IllegalArgumentException e) {
            throw new PgCodecException("bytes that are no " + type.displayName(), e);
          }
        }
      };

  private ContribCodecs() {}

  @SuppressWarnings("rawtypes")
  static Conversions<Map> hstore() {
    return Conversions.of(HSTORE, HstoreText::print, HstoreText::parse);
  }

  static Conversions<float[]> vector(Codec<float[]> codec) {
    return Conversions.of(codec, ContribCodecs::print, ContribCodecs::parse)
        .both(double[].class, ContribCodecs::widen, ContribCodecs::narrow)
        .writes(CharSequence.class, text -> parse(text.toString()));
  }

  static Conversions<SparseVector> sparsevec() {
    return Conversions.of(SPARSEVEC, ContribCodecs::print, SparseVector::parse)
        .writes(CharSequence.class, text -> SparseVector.parse(text.toString()));
  }

  private static int dimensions(float[] value, PgType type) {
    if (value.length > Short.MAX_VALUE) {
      throw new PgCodecException(
          value.length + " elements do not fit " + type.displayName() + ": at most 16000 do");
    }
    return value.length;
  }

  private static int dimensions(PgType type, ValueReader in, int size) {
    int dimensions = in.readUnsignedShort();
    in.skip(2);
    if (dimensions != in.remaining() / size) {
      throw new PgCodecException(
          type.displayName() + " of " + dimensions + " elements in " + in.remaining() + " bytes");
    }
    return dimensions;
  }

  private static String print(float[] values) {
    var text = new StringBuilder("[");
    for (float each : values) {
      text.append(text.length() == 1 ? "" : ",").append(NumberCodecs.print(each));
    }
    return text.append(']').toString();
  }

  private static String print(SparseVector vector) {
    var text = new StringBuilder("{");
    vector
        .elements()
        .forEach(
            (index, value) ->
                text.append(text.length() == 1 ? "" : ",")
                    .append(index)
                    .append(':')
                    .append(NumberCodecs.print(value)));
    return text.append("}/").append(vector.dimensions()).toString();
  }

  private static float[] parse(String text) {
    if (text.length() < 3 || !text.startsWith("[") || !text.endsWith("]")) {
      throw new IllegalArgumentException("a vector looks like [1,2,3]");
    }
    String[] parts = text.substring(1, text.length() - 1).split(",", -1);
    var values = new float[parts.length];
    for (int i = 0; i < values.length; i++) {
      values[i] = Float.parseFloat(parts[i]);
    }
    return values;
  }

  private static double[] widen(float[] values) {
    var wide = new double[values.length];
    for (int i = 0; i < wide.length; i++) {
      wide[i] = values[i];
    }
    return wide;
  }

  private static float[] narrow(double[] values) {
    var narrow = new float[values.length];
    for (int i = 0; i < narrow.length; i++) {
      narrow[i] = NumberCodecs.exactFloat(values[i]);
    }
    return narrow;
  }
}
