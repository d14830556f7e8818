-- How surprising a count is: for topics that rise (rpt_category_trends_weekly). Checked against SciPy (tests/warehouse/test_surprise.py).

-- -log10 of P(X >= observed): 3 is one chance in a thousand. X is Poisson with mean `expected`, or negative binomial with variance
-- dispersion * expected when that is more (up to 1.001 the two are the same to a reader). 0 for a count of 0.
--
-- In logarithms, as 40 cases where 1 was expected are less likely than the smallest double: the first term of the tail by its
-- logarithm, the others by their ratio to the one before. Below the mean the lower tail is summed instead, which converges there.
create or replace function statistics.surprise_score(observed integer, expected double precision, dispersion double precision)
returns double precision
language plpgsql immutable strict parallel safe as $$
declare
    is_dispersed boolean := dispersion > 1.001;
    -- Of the negative binomial: its size, and by how much a term further out is smaller in the end.
    size double precision := case when dispersion > 1.001 then expected / (dispersion - 1) end;
    decay double precision := case when dispersion > 1.001 then 1 - 1 / dispersion end;
    is_above boolean := observed > expected;
    first integer := case when observed > expected then observed else observed - 1 end;
    log_first double precision;
    term double precision := 1;
    total double precision := 1;
    k integer := first;
begin
    if expected <= 0 or dispersion < 0 then
        raise exception 'surprise_score: expected (%) must be above 0 and dispersion (%) not below it', expected, dispersion;
    end if;
    if observed <= 0 then
        return 0;
    end if;
    log_first := case
        when is_dispersed
            then statistics.log_gamma(size + first) - statistics.log_gamma(size) - statistics.log_gamma(first + 1)
                - size * ln(dispersion) + first * ln(decay)
        else first * ln(expected) - expected - statistics.log_gamma(first + 1)
    end;
    while term > 1e-17 * total and k >= 0 loop
        if is_above then
            term := term * case when is_dispersed then (size + k) * decay else expected end / (k + 1);
            k := k + 1;
        elsif k = 0 then
            exit;
        else
            term := term * k / case when is_dispersed then (size + k - 1) * decay else expected end;
            k := k - 1;
        end if;
        total := total + term;
    end loop;
    log_first := log_first + ln(total);
    if is_above then
        return -log_first / ln(10.0::double precision);
    end if;
    -- exp() of less is an error in PostgreSQL; the count is then so far below that the tail is 1.
    return case when log_first < -36 then 0 else -ln(1 - exp(log_first)) / ln(10.0::double precision) end;
end
$$;

grant execute on function statistics.surprise_score(integer, double precision, double precision)
to transformer, data_engineer, panrb_analyst, reporter, ombudsman_reader, ksp_reader, agency_reader;
