package io.asyncpg.client.session;

import io.asyncpg.error.Diagnostic;
import io.asyncpg.error.PgException;
import io.asyncpg.error.PgServerException;
import io.asyncpg.error.RetrySafety;
import io.asyncpg.protocol.FrontendWriter;
import io.asyncpg.protocol.TransactionStatus;
import io.asyncpg.types.PgType;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** Asks the server what types are, with all they depend on, in one query. */
final class TypeLookup extends Exchange {
  private final TypeCatalog types;
  private final List<Integer> oids;
  private final Consumer<@Nullable PgException> then;
  private @Nullable PgException failure;

  /**
   * Creates a look-up.
   *
   * @param then called when it is over, with what went wrong or null
   */
  TypeLookup(TypeCatalog types, List<Integer> oids, Consumer<@Nullable PgException> then) {
    this.types = types;
    this.oids = oids;
    this.then = then;
  }

  @Override
  void write(Session session, FrontendWriter out) {
    out.sync();
  }

  @Override
  void failed(Diagnostic diagnostic) {
    failure = PgServerException.of(diagnostic, null, RetrySafety.NOT_EXECUTED);
  }

  @Override
  void ready(Session session, TransactionStatus status) {
    for (int oid : oids) {
      types.learn(new PgType.Base(oid, "", "type " + Integer.toUnsignedString(oid), ','));
    }
    then.accept(failure);
  }

  @Override
  void fail(Throwable reason) {
    then.accept(
        reason instanceof PgException pgException
            ? pgException
            : new io.asyncpg.error.PgCodecException(String.valueOf(reason.getMessage()), reason));
  }

  @Override
  String doing() {
    return "while it looked up types";
  }
}
