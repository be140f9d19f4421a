package io.asyncpg.geometry;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import io.asyncpg.error.PgCodecException;
import io.asyncpg.types.CodecRegistry;
import org.locationtech.jts.geom.Geometry;

class EwkbFuzzTest {
  private final CodecRegistry strict = Wire.registry(JtsOptions.defaults());
  private final CodecRegistry lenient = Wire.registry(JtsOptions.defaults().readLeniently());

  /** Anything read is read again from what is written for it; nothing else is thrown. */
  @FuzzTest(maxDuration = "10m")
  void anyBytesAreAGeometryOrACodecException(byte[] bytes) {
    try {
      if (Wire.read(strict, Wire.GEOMETRY, null, bytes) instanceof Geometry geometry) {
        String hex = Wire.write(strict, Wire.GEOMETRY, geometry);
        assertThat(Wire.write(strict, Wire.GEOMETRY, Wire.read(strict, Wire.GEOMETRY, null, hex)))
            .isEqualTo(hex);
      }
      Wire.read(lenient, Wire.GEOMETRY, null, bytes);
    } catch (PgCodecException refused) {
      assertThat(refused).hasNoCause();
    }
  }
}
