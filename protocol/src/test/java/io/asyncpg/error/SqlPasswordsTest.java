package io.asyncpg.error;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;

import java.time.Duration;
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
    covers("SET x.password TO 'abc'", "SET x.password TO '***'");
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
        "dblink('postgresql://h/db?password=*******')");
    covers("CONNECTION 'password=a;b,c)&d x=y'", "CONNECTION 'password=******** x=y'");
    covers("CONNECTION 'password=a\\ b x=y'", "CONNECTION 'password=**** x=y'");
    covers("CONNECTION 'password=$abc x=y'", "CONNECTION 'password=**** x=y'");
  }

  @Test
  void aConnectionStringInDollarsIsCovered() {
    covers("dblink($$password=abc x=y$$)", "dblink($$password=*** x=y$$)");
    covers("dblink($t$password=--abc$t$)", "dblink($t$password=*****$t$)");
    covers("dblink($t$password=/*x*/$t$, 'y')", "dblink($t$password=*****$t$, 'y')");
    covers("dblink($$password='a b' x=y$$)", "dblink($$password='***' x=y$$)");
    covers("dblink($$password='a\\'b' x=y$$)", "dblink($$password='****' x=y$$)");
  }

  @Test
  void aQuotedValueInsideALiteralIsCoveredToTheEndOfThat() {
    covers("dblink('password=''a b'' x=y', 'z')", "dblink('password=***********', 'z')");
    covers("dblink(E'password=\\'a b\\'', 'z')", "dblink(E'password=*******', 'z')");
    covers("EXECUTE 'a PASSWORD ''b''', 'z'", "EXECUTE 'a PASSWORD *****', 'z'");
    covers("DO $$ EXECUTE 'PASSWORD ''b'''; $$", "DO $$ EXECUTE 'PASSWORD *****'; $$");
    covers("EXECUTE 'PASSWORD $x$b$x$'", "EXECUTE 'PASSWORD *******'");
    covers("'{\"password\": \"a b\"}', 'z'", "'{\"password\": ******', 'z'");
  }

  @Test
  void spaceAroundTheEqualsSignInsideALiteralHidesNothing() {
    covers("CONNECTION 'password = abc x=y'", "CONNECTION 'password = *** x=y'");
    covers("CONNECTION 'password= abc'", "CONNECTION 'password= ***'");
    covers("CONNECTION 'password =abc'", "CONNECTION 'password =***'");
    covers("CONNECTION 'password = ''a b'' x=y'", "CONNECTION 'password = ***********'");
    covers("dblink($$password = abc x=y$$)", "dblink($$password = *** x=y$$)");
  }

  @Test
  void everyOperatorStandsInFrontOfAValue() {
    covers("f(password => 'abc', x => 'y')", "f(password => '***', x => 'y')");
    covers("f(password=>'abc')", "f(password=>'***')");
    covers("password := 'abc';", "password := '***';");
    covers("f(connstr => 'password=abc')", "f(connstr => 'password=***')");
    covers("WHERE password <> 'abc' AND x = 'y'", "WHERE password <> '***' AND x = 'y'");
    covers("OPTIONS (\"password\" 'abc')", "OPTIONS (\"password\" '***')");
  }

  @Test
  void theArgumentOfAFunctionIsCovered() {
    covers("SET password = crypt('a b', g('bf'))", "SET password = crypt('***', g('bf'))");
    covers("SET password = public.f(g( 'abc'))", "SET password = public.f(g( '***'))");
    covers("'SET password = f(''a b'')', 'z'", "'SET password = **********', 'z'");
    stays("SET password = f($1), x = 'y'");
    stays("SET password = f(x), y = 'z'");
  }

  @Test
  void aLiteralThatIsPutTogetherIsCovered() {
    covers(
        "EXECUTE 'PASSWORD ' || f('abc'); x := 'y'", "EXECUTE 'PASSWORD '**********'); x := 'y'");
    covers("dblink('password=' || 'abc')", "dblink('password='********')");
    stays("EXECUTE 'PASSWORD ' || f(p); x := 'y'");
  }

  @Test
  void whatFollowsALiteralIsCoveredUpToTheEndOfTheCall() {
    covers("f(concat('password=', 'abc'), 'z')", "f(concat('password='******'), 'z')");
    covers("f('password=' || $$abc$$)", "f('password='*********$$)");
    covers("f($$password=$$ || $$abc$$)", "f($$password=$**********$$)");
    covers("('PASSWORD ') || 'abc'; SELECT 'x'", "('PASSWORD '*********'; SELECT 'x'");
    covers("(('PASSWORD ') ::text) || 'abc'", "(('PASSWORD '*****************'");
    covers("('PASSWORD ') /* x */ || 'abc'", "('PASSWORD '*****************'");
    covers(
        "VALUES ('your password: ', 'v'), ('w', 'x')",
        "VALUES ('your password: '****'), ('w', 'x')");
  }

  @Test
  void theArgumentOfAPlaceholderIsCovered() {
    covers("format('a=b password=%s', 'abc')", "format('a=b password=**'******')");
    covers("format('password=''%s''', 'abc')", "format('password=******'******')");
    covers(
        "format('ALTER ROLE %I PASSWORD %L', 'b', 'abc'); SELECT 'x'",
        "format('ALTER ROLE %I PASSWORD **'***********'); SELECT 'x'");
    covers("RAISE 'password %', 'abc'", "RAISE 'password %'******'");
  }

  @Test
  void theValueNextToAKeyIsCovered() {
    covers("set_config('my.password', 'abc', true)", "set_config('my.password', '***', true)");
    covers(
        "jsonb_build_object('a', 'b', 'password', E'abc', 'c', 'd')",
        "jsonb_build_object('a', 'b', 'password', E'***', 'c', 'd')");
    covers("jsonb_set(d, '{password}', '\"x\"')", "jsonb_set(d, '{password}', '***')");
    covers("WHERE d->>'password' = 'abc' AND x = 'y'", "WHERE d->>'password' = '***' AND x = 'y'");
    covers("('password'::text, crypt('a', 'b'))", "('password'::text, crypt('*', 'b'))");
    covers("WHERE key IN ('password', 'x')", "WHERE key IN ('password', '*')");
  }

  @Test
  void aPasswordWithoutItsQuotesIsCovered() {
    covers("ALTER ROLE bob PASSWORD \"a b\" LOGIN", "ALTER ROLE bob PASSWORD \"***\" LOGIN");
    covers("CREATE USER bob PASSWORD abc;", "CREATE USER bob PASSWORD ***;");
    covers("ALTER ROLE a PASSWORD /* x */ abc LOGIN", "ALTER ROLE a PASSWORD /* x */ *** LOGIN");
    covers("EXECUTE 'ALTER ROLE a PASSWORD abc'", "EXECUTE 'ALTER ROLE a PASSWORD ***'");
  }

  @Test
  void sqlThatIsWrongIsCoveredToo() {
    covers("ALTER ROLE a PASSWORD\u00a0'abc'", "ALTER ROLE a PASSWORD\u00a0'***'");
    assertThat(PgException.withoutPasswords("SELECT 'it's'; ALTER ROLE a PASSWORD 'abc'"))
        .doesNotContain("abc");
    assertThat(PgException.withoutPasswords("SELECT 'it's', 'x=y password=abc'"))
        .doesNotContain("abc");
  }

  @Test
  void thePasswordOfAUriIsCovered() {
    covers("CONNECTION 'postgresql://bob:abc@h:1/db'", "CONNECTION 'postgresql://bob:***@h:1/db'");
    covers("f('postgres://:a?b@h')", "f('postgres://:***@h')");
    covers("f('postgresql://bob:a/b@c@h:1/db')", "f('postgresql://bob:*****@h:1/db')");
    stays("f('postgresql://h:1/db', 'postgres://h:1/db')");
    stays("f('http://host:8080/a@b', 'c:d@e')");
    stays("f('postgresql://bob@h:1/db')");
    stays("f('http://h:1', '@')");
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
    stays("SET password_encryption = 'scram-sha-256'");
    stays("SELECT * FROM a JOIN b ON a.password=b.password AND a.password = b.hash WHERE x = 'y'");
    stays("SELECT password::text FROM t WHERE x = 'y'");
    stays("INSERT INTO t (name, password) VALUES ('bob', $1)");
    stays("SELECT * FROM t WHERE key = 'password' AND x = 'y'");
    stays("SELECT * FROM t WHERE name LIKE '%password%' AND x = 'y'");
    stays("SELECT password \"pw\" FROM users");
    stays("SELECT 'password', a, b FROM t WHERE x = 'y'");
    stays("ALTER ROLE bob SET password_encryption = 'scram-sha-256'");
    stays("CREATE USER bob PASSWORD $1 LOGIN");
    stays("DO $$ BEGIN EXECUTE 'SET password = $1, x = $2' USING p, 'y'; END $$");
    stays("SELECT $1 || 'it''s the password of bob', 'x'");
    stays("SELECT f('http://x'), \"it's\", 'password'");
  }

  @Test
  void quotedSqlIsCoveredAndCut() {
    assertThat(PgException.quoted("ALTER ROLE a PASSWORD 'abc'"))
        .isEqualTo("\"ALTER ROLE a PASSWORD '***'\"");
    assertThat(PgException.quoted("x".repeat(1_989) + "PASSWORD 'abc'"))
        .endsWith("PASSWORD '*…\" (2003 characters)");
  }

  @Test
  void longSqlIsCoveredInOnePass() {
    for (String piece :
        new String[] {
          "password/*",
          "password'",
          "'password '",
          "password=",
          "'password=''",
          "$$password/*$$",
          "$a$",
          "://a:",
          "password--",
          "password=crypt(",
          "password$a",
          "'password=a",
          "('smtp password: ', 'v'), ",
          "-- password: '\n",
          "$$ password = $x$ ",
          "'password', ",
          "'password'/**/",
          "alter role password/**/",
          "password \"",
          "'password=' || (",
          "'password=')",
          "'password=%",
          "postgres://a:",
          "password::"
        }) {
      String sql = "password" + piece.repeat(50_000);
      assertTimeoutPreemptively(
          Duration.ofSeconds(10), () -> PgException.withoutPasswords(sql), piece);
    }
    String closed = "f('password='" + ")".repeat(500_000) + "||'x'";
    assertTimeoutPreemptively(
        Duration.ofSeconds(10), () -> PgException.withoutPasswords(closed), "parentheses");
    String commented = "SELECT f('password=' " + ")/**/".repeat(100_000) + "|| 'x')";
    assertTimeoutPreemptively(
        Duration.ofSeconds(10), () -> PgException.withoutPasswords(commented), "with comments");
    String comment = "/* " + "'password' --'\n ".repeat(50_000) + "*/";
    assertTimeoutPreemptively(
        Duration.ofSeconds(10), () -> PgException.withoutPasswords(comment), "in a comment");
    String chain = "SELECT " + "'password' || ".repeat(50_000) + "'x'";
    assertTimeoutPreemptively(
        Duration.ofSeconds(10), () -> PgException.withoutPasswords(chain), "a chain");
  }

  @Test
  void aUriWhosePasswordHoldsAQuoteIsCovered() {
    covers("'postgresql://bob:a''b@db/x' p", "'postgresql://bob:****@db/x' p");
    covers("'postgresql://bob:a\"b@db/x' p", "'postgresql://bob:***@db/x' p");
    covers("$$postgres://bob:a'b@db/x$$ p", "$$postgres://bob:***@db/x$$ p");
    covers("f('postgresql://bob:a@db/x','a@b')", "f('postgresql://bob:*@db/x','a@b')");
    stays("CONNECTION 'postgresql://db:5432/x' PUBLICATION p");
    stays("f('postgresql://db:5432/x', 'a@b')");
  }

  @Test
  void literalsPutTogetherAreCoveredToTheLast() {
    covers("E 'PASSWORD ''' || 'ab' || ''''", "E 'PASSWORD **'***************'");
    covers("password = md5('a' || 'bc')", "password = md5('*' || '**')");
    covers("set_config('my.password', 'a' || 'bc')", "set_config('my.password', '*' || '**')");
    covers("password = 'a'::text || E'b\\'c', 'd'", "password = '*'::text || E'****', 'd'");
    covers("password = 'a' || 'bc' LOGIN", "password = '*' || '**' LOGIN");
    stays("password = x || y");
  }

  @Test
  void aRolesPasswordThatLacksItsQuotesBehindAnOperatorIsCovered() {
    covers("ALTER ROLE bob PASSWORD=abc", "ALTER ROLE bob PASSWORD=***");
    covers("ALTER ROLE bob PASSWORD = abc;", "ALTER ROLE bob PASSWORD = ***;");
    covers("ALTER ROLE bob PASSWORD TO abc", "ALTER ROLE bob PASSWORD TO ***");
    stays("ALTER ROLE bob PASSWORD = NULL");
    stays("ALTER ROLE bob SET password_encryption = md5");
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
      "*/",
      "$a$",
      "\"",
      "postgres://",
      "ALTER ROLE a ",
      "%s",
      ",",
      "||",
      ")",
      "}",
      "://",
      ":",
      "@",
      "f("
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
