-- What SQL lacks for comparing agencies fairly: a distribution's quantiles and probabilities. Double precision, no state, no randomness.
create schema if not exists statistics;

comment on schema statistics is 'Functions of distributions that the marts use; checked against SciPy (tests/warehouse/test_statistics.py).';

-- ln(gamma(value)) for value > 0: Stirling's series, above 7 by the recurrence.
create or replace function statistics.log_gamma(value double precision) returns double precision
language plpgsql immutable strict parallel safe as $$
declare
    shifted double precision := value;
    product double precision := 1;
    inverse_square double precision;
begin
    while shifted < 7 loop
        product := product * shifted;
        shifted := shifted + 1;
    end loop;
    inverse_square := 1 / (shifted * shifted);
    return (shifted - 0.5) * ln(shifted) - shifted + 0.918938533204672742 - ln(product)
        + (1.0 / 12 - inverse_square * (1.0 / 360 - inverse_square * (1.0 / 1260 - inverse_square * (1.0 / 1680
        - inverse_square * (1.0 / 1188 - inverse_square * 691.0 / 360360))))) / shifted;
end
$$;

-- Mean of ln(X) under a Gamma(value) distribution, the derivative of log_gamma: three steps of the recurrence, then its series.
create or replace function statistics.digamma(value double precision) returns double precision
language sql immutable parallel safe as $$
    select ln(value + 2.5) + 1 / (24 * (value + 2.5) ^ 2) - 7 / (960 * (value + 2.5) ^ 4)
        - 1 / value - 1 / (value + 1) - 1 / (value + 2)
$$;

-- Variance of ln(X) under a Gamma(value) distribution, the derivative of digamma.
create or replace function statistics.trigamma(value double precision) returns double precision
language sql immutable parallel safe as $$
    select 1 / (value + 2.5) - 1 / (12 * (value + 2.5) ^ 3) + 7 / (240 * (value + 2.5) ^ 5)
        + 1 / value ^ 2 + 1 / (value + 1) ^ 2 + 1 / (value + 2) ^ 2
$$;

-- P(Z <= value) of the standard normal distribution: Hart (1968) as given by West (2005), to 15 digits.
create or replace function statistics.normal_cdf(value double precision) returns double precision
language plpgsql immutable strict parallel safe as $$
declare
    size double precision := abs(value);
    tail double precision;
begin
    if size > 37 then
        tail := 0;
    elsif size < 7.07106781186547 then
        tail := exp(-size * size / 2)
            * ((((((3.52624965998911e-02 * size + 0.700383064443688) * size + 6.37396220353165) * size
            + 33.912866078383) * size + 112.079291497871) * size + 221.213596169931) * size + 220.206867912376)
            / (((((((8.83883476483184e-02 * size + 1.75566716318264) * size + 16.064177579207) * size
            + 86.7807322029461) * size + 296.564248779674) * size + 637.333633378831) * size + 793.826512519948)
            * size + 440.413735824752);
    else
        tail := exp(-size * size / 2) / (size + 1 / (size + 2 / (size + 3 / (size + 4 / (size + 0.65))))) / 2.506628274631;
    end if;
    return case when value > 0 then 1 - tail else tail end;
end
$$;

-- P(X <= value) of Beta(a, b), the regularised incomplete beta function: Lentz's continued fraction on the side where it converges
-- quickly. log_beta spares a caller who asks often with the same a and b computing it again.
create or replace function statistics.beta_cdf(
    value double precision, a double precision, b double precision, log_beta double precision default null
) returns double precision
language plpgsql immutable parallel safe as $$
declare
    tiny constant double precision := 1e-300;
    is_mirrored boolean := value > (a + 1) / (a + b + 2);
    at double precision := case when is_mirrored then 1 - value else value end;
    p double precision := case when is_mirrored then b else a end;
    q double precision := case when is_mirrored then a else b end;
    total double precision := p + q;
    coefficient double precision;
    upper_part double precision := 1;
    lower_part double precision;
    fraction double precision;
    step double precision;
    even double precision;
    share double precision;
begin
    if value is null or a is null or b is null then
        return null;
    end if;
    if a <= 0 or b <= 0 then
        raise exception 'beta_cdf: a and b must be above 0, not % and %', a, b;
    end if;
    if value <= 0 or value >= 1 then
        return case when value <= 0 then 0 else 1 end;
    end if;
    log_beta := coalesce(log_beta, statistics.log_gamma(a) + statistics.log_gamma(b) - statistics.log_gamma(a + b));

    lower_part := 1 - total * at / (p + 1);
    lower_part := 1 / case when abs(lower_part) < tiny then tiny else lower_part end;
    fraction := lower_part;
    -- Converges within a few times the square root of the larger of a and b.
    for m in 1..100000 loop
        even := 2 * m;
        coefficient := m * (q - m) * at / ((p + even - 1) * (p + even));
        lower_part := 1 + coefficient * lower_part;
        lower_part := 1 / case when abs(lower_part) < tiny then tiny else lower_part end;
        upper_part := 1 + coefficient / upper_part;
        upper_part := case when abs(upper_part) < tiny then tiny else upper_part end;
        fraction := fraction * lower_part * upper_part;
        coefficient := -(p + m) * (total + m) * at / ((p + even) * (p + even + 1));
        lower_part := 1 + coefficient * lower_part;
        lower_part := 1 / case when abs(lower_part) < tiny then tiny else lower_part end;
        upper_part := 1 + coefficient / upper_part;
        upper_part := case when abs(upper_part) < tiny then tiny else upper_part end;
        step := lower_part * upper_part;
        fraction := fraction * step;
        exit when abs(step - 1) < 1e-15;
    end loop;
    -- exp() of PostgreSQL raises an error where the result is too small for it.
    share := exp(greatest(p * ln(at) + q * ln(1 - at) - log_beta, -700)) * fraction / p;
    return case when is_mirrored then 1 - share else share end;
end
$$;

-- The value below which `share` of Beta(a, b) lies: Halley steps from the start of Abramowitz and Stegun 26.5.22, kept between two
-- bounds that only close in. Within 1e-9 for a and b from 0.05 to 100,000.
create or replace function statistics.beta_quantile(share double precision, a double precision, b double precision)
returns double precision
language plpgsql immutable strict parallel safe as $$
declare
    low double precision := 0;
    high double precision := 1;
    at double precision;
    log_beta double precision;
    distance double precision;
    density double precision;
    step double precision;
    normal double precision;
    first_part double precision;
    second_part double precision;
begin
    if share < 0 or share > 1 or a <= 0 or b <= 0 then
        raise exception 'beta_quantile: share must be within 0 and 1, a and b above 0, not %, % and %', share, a, b;
    end if;
    if share = 0 or share = 1 then
        return share;
    end if;
    log_beta := statistics.log_gamma(a) + statistics.log_gamma(b) - statistics.log_gamma(a + b);
    if a >= 1 and b >= 1 then
        step := sqrt(-2 * ln(least(share, 1 - share)));
        normal := (2.30753 + step * 0.27061) / (1 + step * (0.99229 + step * 0.04481)) - step;
        normal := case when share < 0.5 then -normal else normal end;
        first_part := 2 / (1 / (2 * a - 1) + 1 / (2 * b - 1));
        second_part := (normal * normal - 3) / 6;
        at := normal * sqrt(second_part + first_part) / first_part
            - (1 / (2 * b - 1) - 1 / (2 * a - 1)) * (second_part + 5.0 / 6 - 2 / (3 * first_part));
        at := a / (a + b * exp(2 * at));
    else
        first_part := exp(a * ln(a / (a + b))) / a;
        second_part := exp(b * ln(b / (a + b))) / b;
        if share < first_part / (first_part + second_part) then
            at := exp(greatest(ln(a * (first_part + second_part) * share) / a, -700));
        else
            at := 1 - exp(greatest(ln(b * (first_part + second_part) * (1 - share)) / b, -700));
        end if;
    end if;

    for attempt in 1..200 loop
        -- Outside the bounds, or creeping where the density is steep: halve.
        if at <= low or at >= high or (attempt > 10 and attempt % 2 = 0) then
            at := (low + high) / 2;
        end if;
        -- So near to an end that no value lies between.
        exit when at <= 0 or at >= 1;
        distance := statistics.beta_cdf(at, a, b, log_beta) - share;
        exit when distance = 0;
        if distance > 0 then
            high := at;
        else
            low := at;
        end if;
        exit when high - low < 1e-13;
        density := (a - 1) * ln(at) + (b - 1) * ln(1 - at) - log_beta;
        if density between -600 and 600 then
            step := distance / exp(density);
            step := step / (1 - 0.5 * least(1, greatest(-1, step * ((a - 1) / at - (b - 1) / (1 - at)))));
        else
            step := at - (low + high) / 2;
        end if;
        at := at - step;
        exit when abs(step) < 1e-13 and abs(distance) < 1e-9;
    end loop;
    return least(greatest(at, 0), 1);
end
$$;

-- Mean at which a Poisson count is `side` the observed one with 2.5 % probability, the observed one itself counted half (mid-P): Newton
-- steps on the logarithm of that tail, which is concave, from Byar's approximation. side: 'low' or 'high'.
create or replace function statistics.poisson_mid_p(observed integer, side text) returns double precision
language plpgsql immutable strict parallel safe as $$
declare
    tail_share constant double precision := 0.025;
    sign integer := case side when 'high' then 1 else -1 end;
    near integer := observed + case side when 'high' then 1 else 0 end;
    mean double precision;
    log_factorial double precision;
    term double precision;
    tail double precision;
    slope double precision;
    count_beyond integer;
    step double precision;
begin
    if observed < 0 then
        raise exception 'poisson_mid_p: a count cannot be %', observed;
    end if;
    if observed = 0 then
        return case side when 'high' then -ln(2 * tail_share) else 0 end;
    end if;
    log_factorial := statistics.log_gamma(observed + 1);
    mean := near * (1 - 1.0 / (9 * near) + sign * 1.959964 / (3 * sqrt(near))) ^ 3;
    for attempt in 1..50 loop
        -- The tail in units of the probability of the observed count itself.
        term := 1;
        tail := 0.5;
        count_beyond := observed;
        loop
            if side = 'high' then
                term := term * count_beyond / mean;
                count_beyond := count_beyond - 1;
            else
                count_beyond := count_beyond + 1;
                term := term * mean / count_beyond;
            end if;
            tail := tail + term;
            exit when term < 1e-17 * tail or count_beyond = 0;
        end loop;
        slope := -sign * 0.5 * (1 + observed / mean) / tail;
        step := (observed * ln(mean) - mean - log_factorial + ln(tail) - ln(tail_share)) / slope;
        mean := greatest(mean - step, mean / 2);
        exit when abs(step) < 1e-12 * mean;
    end loop;
    return mean;
end
$$;

-- 95 % mid-P interval of the mean of a Poisson count.
create or replace function statistics.poisson_mid_p_low(observed integer) returns double precision
language sql immutable parallel safe as $$ select statistics.poisson_mid_p(observed, 'low') $$;

create or replace function statistics.poisson_mid_p_high(observed integer) returns double precision
language sql immutable parallel safe as $$ select statistics.poisson_mid_p(observed, 'high') $$;

-- Whoever reads the marts may check their arithmetic.
grant usage on schema statistics to transformer, data_engineer, panrb_analyst, reporter, ombudsman_reader, ksp_reader, agency_reader;
grant execute on all functions in schema statistics to transformer, data_engineer, panrb_analyst, reporter, ombudsman_reader, ksp_reader, agency_reader;
