package quartet.local.nori;

import java.io.IOException;
import java.io.StringReader;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.function.UnaryOperator;

import org.apache.lucene.analysis.Analyzer;
import org.apache.lucene.analysis.TokenStream;
import org.apache.lucene.analysis.Tokenizer;
import org.apache.lucene.analysis.ko.KoreanAnalyzer;
import org.apache.lucene.analysis.ko.KoreanNumberFilter;
import org.apache.lucene.analysis.ko.KoreanPartOfSpeechStopFilter;
import org.apache.lucene.analysis.ko.KoreanReadingFormFilter;
import org.apache.lucene.analysis.ko.KoreanTokenizer;
import org.apache.lucene.analysis.ko.KoreanTokenizer.DecompoundMode;
import org.apache.lucene.analysis.ko.POS;
import org.apache.lucene.analysis.ko.dict.UserDictionary;
import org.elasticsearch.common.settings.Settings;
import org.elasticsearch.env.Environment;
import org.elasticsearch.index.analysis.AbstractIndexAnalyzerProvider;
import org.elasticsearch.index.analysis.AbstractTokenFilterFactory;
import org.elasticsearch.index.analysis.AbstractTokenizerFactory;
import org.elasticsearch.index.analysis.Analysis;
import org.elasticsearch.index.analysis.AnalyzerProvider;
import org.elasticsearch.index.analysis.TokenFilterFactory;
import org.elasticsearch.index.analysis.TokenizerFactory;
import org.elasticsearch.indices.analysis.AnalysisModule.AnalysisProvider;
import org.elasticsearch.plugins.AnalysisPlugin;
import org.elasticsearch.plugins.Plugin;

/**
 * Lucene's Korean analysis under the component names and settings that the official analysis-nori plugin documents, which is on no package registry: the analyzer
 * {@code nori}, the tokenizer {@code nori_tokenizer}, the filters {@code nori_part_of_speech}, {@code nori_readingform} and {@code nori_number}. An index made here
 * works on a server with the official plugin, and the other way round.
 */
public final class NoriPlugin extends Plugin implements AnalysisPlugin {

    @Override
    public Map<String, AnalysisProvider<AnalyzerProvider<? extends Analyzer>>> getAnalyzers() {
        return Map.of("nori", (index, environment, name, settings) -> new NoriAnalyzer(environment, name, settings));
    }

    @Override
    public Map<String, AnalysisProvider<TokenizerFactory>> getTokenizers() {
        return Map.of("nori_tokenizer", (index, environment, name, settings) -> new NoriTokenizer(environment, name, settings));
    }

    @Override
    public Map<String, AnalysisProvider<TokenFilterFactory>> getTokenFilters() {
        return Map.of(
            "nori_part_of_speech",
            (index, environment, name, settings) -> {
                Set<POS.Tag> tags = stopTags(environment, settings);
                return filter(name, tokens -> new KoreanPartOfSpeechStopFilter(tokens, tags));
            },
            "nori_readingform",
            (index, environment, name, settings) -> filter(name, KoreanReadingFormFilter::new),
            "nori_number",
            (index, environment, name, settings) -> filter(name, KoreanNumberFilter::new)
        );
    }

    private static TokenFilterFactory filter(String name, UnaryOperator<TokenStream> wrap) {
        return new AbstractTokenFilterFactory(name) {
            @Override
            public TokenStream create(TokenStream tokens) {
                return wrap.apply(tokens);
            }
        };
    }

    private static final class NoriAnalyzer extends AbstractIndexAnalyzerProvider<Analyzer> {
        private final Analyzer analyzer;

        NoriAnalyzer(Environment environment, String name, Settings settings) throws IOException {
            super(name);
            analyzer = new KoreanAnalyzer(
                userDictionary(environment, settings),
                decompoundMode(settings),
                stopTags(environment, settings),
                false
            );
        }

        @Override
        public Analyzer get() {
            return analyzer;
        }
    }

    private static final class NoriTokenizer extends AbstractTokenizerFactory {
        private final UserDictionary dictionary;
        private final DecompoundMode mode;
        private final boolean discardPunctuation;

        NoriTokenizer(Environment environment, String name, Settings settings) throws IOException {
            super(name);
            dictionary = userDictionary(environment, settings);
            mode = decompoundMode(settings);
            discardPunctuation = settings.getAsBoolean("discard_punctuation", true);
        }

        @Override
        public Tokenizer create() {
            return new KoreanTokenizer(TokenStream.DEFAULT_TOKEN_ATTRIBUTE_FACTORY, dictionary, mode, false, discardPunctuation);
        }
    }

    private static DecompoundMode decompoundMode(Settings settings) {
        String mode = settings.get("decompound_mode");
        return mode == null ? KoreanTokenizer.DEFAULT_DECOMPOUND : DecompoundMode.valueOf(mode.toUpperCase(Locale.ROOT));
    }

    /** From {@code user_dictionary}, a file below config/, or {@code user_dictionary_rules}, a list; null where neither is set. */
    private static UserDictionary userDictionary(Environment environment, Settings settings) throws IOException {
        if (settings.get("user_dictionary") != null && settings.hasValue("user_dictionary_rules")) {
            throw new IllegalArgumentException("set [user_dictionary] or [user_dictionary_rules], not both");
        }
        List<String> rules = Analysis.getWordList(environment, settings, "user_dictionary", "user_dictionary_rules", "lenient", true, true);
        if (rules == null || rules.isEmpty()) {
            return null;
        }
        try (StringReader lines = new StringReader(String.join("\n", rules))) {
            return UserDictionary.open(lines);
        }
    }

    private static Set<POS.Tag> stopTags(Environment environment, Settings settings) {
        List<String> names = Analysis.getWordList(environment, settings, "stoptags");
        if (names == null) {
            return KoreanPartOfSpeechStopFilter.DEFAULT_STOP_TAGS;
        }
        Set<POS.Tag> tags = EnumSet.noneOf(POS.Tag.class);
        for (String name : names) {
            tags.add(POS.resolveTag(name));
        }
        return tags;
    }
}
