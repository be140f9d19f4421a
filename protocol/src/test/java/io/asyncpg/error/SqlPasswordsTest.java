package io.asyncpg.error;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Random;
import org.junit.jupiter.api.Test;

final class SqlPasswordsTest {
  @Test
  void aLiteralAfterTheWordPasswordIsCovered() {
    covers("ALTER ROLE bob PASSWORD 'hunter2'", "ALTER ROLE bob PASSWORD '*******'");
    covers("create user a password'x' login", "create user a password'*' login");
    covers("ALTER ROLE a ENCRYPTED PASSWORD\n 'x';", "ALTER ROLE a ENCRYPTED PASSWORD\n '*';");
    covers("UPDATE u SET password = 'abc', x = 'y'", "UPDATE u SET password = '***', x = 'y'");
    covers("OPTIONS (user 'bob', password 'abc')", "OPTIONS (user 'bob', password '***')");
  }

  @Test
  void everyKindOfLiteralIsCovered() {
    covers("PASSWORD E'a\\'b'", "PASSWORD E'****'");
    covers("PASSWORD 'a\\' LOGIN", "PASSWORD '**' LOGIN");
    covers("PASSWORD 'it''s' LOGIN", "PASSWORD '*****' LOGIN");
    covers("PASSWORD U&'\\00e4' LOGIN", "PASSWORD U&'*****' LOGIN");
    covers("PASSWORD N'ab'", "PASSWORD N'**'");
    covers("PASSWORD $$a'b$$ LOGIN", "PASSWORD $$***$$ LOGIN");
    covers("PASSWORD $x$a$$b$x$ LOGIN", "PASSWORD $x$****$x$ LOGIN");
  }

  @Test
  void aLiteralWithoutAnEndIsCoveredToTheEnd() {
    covers("PASSWORD 'abc", "PASSWORD '***");
    covers("PASSWORD $$abc", "PASSWORD $$***");
    covers("PASSWORD E'abc\\", "PASSWORD E'****");
  }

  @Test
  void aLiteralBehindACommentIsCovered() {
    covers("PASSWORD /* x */ 'abc'", "PASSWORD /* x */ '***'");
    covers("PASSWORD /* a /* b */ c */'abc' LOGIN", "PASSWORD /* a /* b */ c */'***' LOGIN");
    covers("PASSWORD -- x\n  'abc'", "PASSWORD -- x\n  '***'");
    covers("password = /* x */ $$abc$$", "password = /* x */ $$***$$");
    stays("PASSWORD /* x */");
    stays("PASSWORD -- 'abc'");
  }

  @Test
  void aLiteralThatGoesOnInTheNextLineIsCoveredToItsEnd() {
    covers("PASSWORD 'a'\n'bc' LOGIN", "PASSWORD '******' LOGIN");
    covers("PASSWORD E'a'\n'b\\'c' LOGIN", "PASSWORD E'********' LOGIN");
    covers("PASSWORD 'a' -- x\n  'bc', 'd'", "PASSWORD '*************', 'd'");
    covers("password 'a', user 'bob'", "password '*', user 'bob'");
  }

  @Test
  void aValueThatLooksLikeACommentIsCovered() {
    covers("CONNECTION 'password=--abc'", "CONNECTION 'password=*****'");
    covers("CONNECTION 'password=/*abc user=bob'", "CONNECTION 'password=***** user=bob'");
    covers("CONNECTION 'password=--abc'\n'x'", "CONNECTION 'password=*********'");
  }

  @Test
  void connectionStringsAreCoveredToo() {
    covers(
        "CONNECTION 'host=a password=abc dbname=b'", "CONNECTION 'host=a password=*** dbname=b'");
    covers("CONNECTION 'password=abc'", "CONNECTION 'password=***'");
    covers(
        "dblink('postgresql://h/db?password=abc&x=y')",
        "dblink('postgresql://h/db?password=***&x=y')");
  }

  @Test
  void everyPasswordIsCovered() {
    covers("PASSWORD 'a'; PASSWORD 'bc'", "PASSWORD '*'; PASSWORD '**'");
    covers("PASSWORD PASSWORD 'a'", "PASSWORD PASSWORD '*'");
  }

  @Test
  void aCharacterIsOneAsterisk() {
    covers("PASSWORD '😀ä'", "PASSWORD '**'");
  }

  @Test
  void everythingElseStays() {
    stays("SELECT 1");
    stays("");
    stays("SELECT password FROM users WHERE name = 'bob'");
    stays("UPDATE users SET password = $1 WHERE id = $2");
    stays("SELECT * FROM t WHERE password=$1 AND x=$2");
    stays("ALTER ROLE bob PASSWORD NULL");
    stays("SELECT password");
    stays("SELECT password=");
    stays("SHOW password_encryption");
  }

  @Test
  void quotedSqlIsCoveredAndCut() {
    assertThat(PgException.quoted("ALTER ROLE a PASSWORD 'abc'"))
        .isEqualTo("\"ALTER ROLE a PASSWORD '***'\"");
    assertThat(PgException.quoted("x".repeat(1_989) + "PASSWORD 'abc'"))
        .endsWith("PASSWORD '*…\" (2003 characters)");
  }

  @Test
  void theNumberOfCharactersStaysWhateverTheSql() {
    Random random = new Random(3);
    String[] pieces = {
      "password",
      "PASSWORD",
      " ",
      "'",
      "''",
      "=",
      "$",
      "$$",
      "E",
      "U&",
      "\\",
      "😀",
      "a",
      "\n",
      ";",
      "--",
      "/*",
      "*/"
    };
    for (int round = 0; round < 20_000; round++) {
      StringBuilder sql = new StringBuilder();
      for (int i = random.nextInt(12); i >= 0; i--) {
        sql.append(pieces[random.nextInt(pieces.length)]);
      }
      String text = sql.toString();
      String covered = PgException.withoutPasswords(text);
      assertThat(covered.codePointCount(0, covered.length()))
          .as(text)
          .isEqualTo(text.codePointCount(0, text.length()));
    }
  }

  private static void covers(String sql, String covered) {
    assertThat(PgException.withoutPasswords(sql)).isEqualTo(covered);
  }

  private static void stays(String sql) {
    covers(sql, sql);
  }
}
