package io.asyncpg.pool;

import static org.assertj.core.api.Assertions.assertThat;

import io.asyncpg.pool.PoolState.Action;
import io.asyncpg.pool.PoolState.Member;
import io.asyncpg.pool.PoolState.Phase;
import io.asyncpg.pool.PoolState.Policy;
import io.asyncpg.pool.PoolState.Waiter;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.PriorityQueue;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** A server that goes and returns, again and again, in a time that is only told. */
class PoolOutageTest {
  private static final long MILLIS = 1_000_000;
  private static final long SECONDS = 1000 * MILLIS;

  /** What an attempt to connect meets while the server is away. */
  enum Outage {
    REFUSES,
    REFUSES_FOR_GOOD,
    SWALLOWS
  }

  @ParameterizedTest
  @EnumSource(Outage.class)
  void whoeverWaitsIsServedWithinASecondOfTheServersReturnHoweverLongItWasAway(Outage outage) {
    Simulation simulation = new Simulation(outage);
    for (int i = 0; i < 300; i++) {
      simulation.runOne();
    }
    assertThat(simulation.longestWait).isBetween(100 * MILLIS, SECONDS);
    assertThat(simulation.mostAttemptsAtOnce).isEqualTo(outage == Outage.SWALLOWS ? 2 : 1);
  }

  private record Event(long time, Runnable what) {}

  private static final class Simulation {
    private final Outage outage;
    private final Random random = new Random(7);
    private final PriorityQueue<Event> events =
        new PriorityQueue<>(Comparator.comparingLong(Event::time));
    private final PoolState state =
        new PoolState(
            new Policy(Integer.MAX_VALUE, 0, 0, 0, -1, true, false), 1, 3, random::nextLong);
    private long now;
    private boolean away;
    private long longestWait;
    private int mostAttemptsAtOnce;

    /** The waiters of this outage; none once one has been served. */
    private final List<Waiter> waiting = new ArrayList<>();

    Simulation(Outage outage) {
      this.outage = outage;
      state.start(now);
      settle();
      runTo(now + SECONDS);
    }

    void runOne() {
      away = true;
      for (Member member : List.copyOf(state.members())) {
        state.lost(member, now);
      }
      settle();
      // From a moment to half an hour, some of it with nobody waiting.
      long returns = now + (MILLIS << (1 + random.nextInt(20)));
      runTo(now + random.nextLong(returns - now));
      for (int i = 1 + random.nextInt(5); i > 0; i--) {
        acquire();
      }
      runTo(returns);
      assertThat(waiting).isNotEmpty();
      away = false;
      while (!waiting.isEmpty()) {
        advance();
      }
      longestWait = Math.max(longestWait, now - returns);
      runTo(now + 10 * SECONDS);
      assertThat(state.waiting()).isZero();
      assertThat(state.count(Phase.IDLE)).isPositive();
    }

    private void acquire() {
      Waiter waiter = new Waiter(null, now, now + 100_000 * SECONDS);
      waiting.add(waiter);
      state.acquire(waiter, now);
      settle();
    }

    private void runTo(long time) {
      while (next() <= time) {
        advance();
      }
      now = time;
    }

    private long next() {
      long event = events.isEmpty() ? Long.MAX_VALUE : events.element().time;
      return state.wakes() ? Math.min(event, state.wakeAt()) : event;
    }

    private void advance() {
      now = Math.max(now, next());
      if (!events.isEmpty() && events.element().time <= now) {
        events.remove().what.run();
      } else {
        state.tick(now);
      }
      settle();
    }

    private void later(long delay, Runnable what) {
      events.add(new Event(now + delay, what));
    }

    private void settle() {
      for (List<Action> todo = state.takeActions(); !todo.isEmpty(); todo = state.takeActions()) {
        todo.forEach(this::carryOut);
      }
      if (away) {
        mostAttemptsAtOnce = Math.max(mostAttemptsAtOnce, state.count(Phase.CONNECTING));
      }
    }

    private void carryOut(Action action) {
      if (action instanceof Action.Connect connect) {
        attempt(connect.member());
      } else if (action instanceof Action.Lend lend) {
        waiting.clear();
        later(MILLIS, () -> state.returned(lend.member(), null, now));
      } else if (action instanceof Action.Close close) {
        state.ended(close.member(), close.reason(), now);
      } else if (action instanceof Action.Refuse refuse) {
        waiting.remove(refuse.waiter());
        acquire(); // he tries again
      }
    }

    private void attempt(Member member) {
      if (!away) {
        later(1 + random.nextLong(50 * MILLIS), () -> state.connected(member, "a", now));
      } else if (outage == Outage.SWALLOWS) {
        later(60 * SECONDS, () -> state.connectFailed(member, false, now));
      } else {
        later(
            1 + random.nextLong(5 * MILLIS),
            () -> state.connectFailed(member, outage == Outage.REFUSES_FOR_GOOD, now));
      }
    }
  }
}
