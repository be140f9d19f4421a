package io.asyncpg.client;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** PostgreSQL's, its packagers', its forks', and what is no version at all. */
class ServerVersionTest {
  @ParameterizedTest
  @CsvSource({
    "18.6, 18, 6",
    "19devel, 19, 0",
    "18beta2, 18, 0",
    "17rc1, 17, 0",
    "15.18 (Debian 15.18-0+deb12u1), 15, 18",
    "9.6.24, 9, 24",
    "13.0.0, 13, 0", // CockroachDB
    "11.2-YB-2.18.4.0-b0, 11, 2", // YugabyteDB
    "15.2-YB-2025.1.0.0-b168, 15, 2",
    "8.0.2, 8, 2", // Redshift
    "16.4, 16, 4", // Aurora
    "14.10.0 (EnterpriseDB Advanced Server), 14, 10",
    "'', 0, 0",
    "1.18.0/bouncer, 1, 0",
    "no number, 0, 0",
    "99999999999999999999.1, 999999999, 0"
  })
  void isReadAsFarAsItGoes(String text, int major, int minor) {
    ServerVersion version = ServerVersion.parse(text);
    assertThat(version.major()).isEqualTo(major);
    assertThat(version.minor()).isEqualTo(minor);
    assertThat(version.text()).isEqualTo(text);
  }
}
