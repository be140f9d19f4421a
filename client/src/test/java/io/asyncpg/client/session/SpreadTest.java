package io.asyncpg.client.session;

import static org.assertj.core.api.Assertions.assertThat;

import io.asyncpg.client.PgConfig.Host;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class SpreadTest {
  private static final Host A = new Host("a", null, 1);
  private static final Host B = new Host("b", null, 1);
  private static final Host C = new Host("c", null, 1);
  private static final List<Host> ALL = List.of(A, B, C);

  private final Spread spread = new Spread();
  private long now = -5;

  private Host first() {
    return spread.begin(ALL, Set.of(), now).get(0);
  }

  @Test
  void attemptsThatAreUnderWayAtOnceGoToDifferentHosts() {
    assertThat(List.of(first(), first(), first(), first())).containsExactly(A, B, C, A);
  }

  @Test
  void theNextGoesWhereTheFewestAre() {
    for (Host host : List.of(A, A, B, C, C)) {
      spread.end(first(), host);
    }
    assertThat(first()).isEqualTo(B);
    spread.end(B, B);
    spread.ended(A);
    assertThat(first()).isEqualTo(A);
  }

  @Test
  void attemptsThatFailTakeTurns() {
    List<Host> tried = new ArrayList<>();
    for (int i = 0; i < 6; i++) {
      tried.add(first());
      spread.end(tried.get(i), null);
    }
    assertThat(tried).containsExactly(A, B, C, A, B, C);
  }

  @Test
  void whereOthersWaitInVainComesLastOfAll() {
    spread.passedOver(B, now);
    assertThat(spread.begin(ALL, Set.of(A), now)).containsExactly(C, B, A);
    assertThat(spread.begin(ALL, Set.of(A, C), now)).containsExactly(B, A, C);
  }

  @Test
  void aHostOfTheWrongKindComesLastForAWhile() {
    spread.end(first(), B);
    spread.passedOver(A, now);
    assertThat(spread.begin(ALL, Set.of(), now)).containsExactly(C, B, A);
    now += TimeUnit.SECONDS.toNanos(11);
    assertThat(first()).isEqualTo(A);
  }
}
