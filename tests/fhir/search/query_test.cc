#include "fhir/search/query.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <sstream>

#include "tests/fhir/support/memory_catalog.h"

namespace hilum::fhir {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr int64_t kSecond = 1'000'000;

TypeId Named(std::string_view name) {
  return *FindResourceType(name);
}

// Resources of a few types, searched by compiled queries with the plainest evaluation.
class SearchTest : public testing::Test {
 protected:
  void Add(const std::string& text) {
    const auto document = json::Document::Parse(text);
    ASSERT_TRUE(document.ok()) << document.status().message();
    const Validation validation = Validate(document->root());
    ASSERT_TRUE(validation.ok()) << OperationOutcome(validation.issues);
    const TypeId type = *ResourceTypeOf(document->root());
    const std::string id(json::Find(document->root(), "id").TextOr(""));
    auto values = Extract(document->root(), validation.typing, catalog_, options_);
    ASSERT_TRUE(values.ok());
    const storage::Doc doc = catalog_.AddDoc(type, id);
    index_.Set(catalog_.CollectionOf(type), doc, *std::move(values));
    ids_[type].push_back(id);
  }

  Result<SearchRequest> Compile(std::string_view type, std::string_view query, Handling handling = Handling::kStrict) {
    HILUM_ASSIGN_OR_RETURN(const auto parameters, SplitQuery(query, options_.max_parameters));
    return CompileSearch({Named(type)}, parameters, handling, {"cursor"}, catalog_, options_);
  }
  // Ids found, with blanks between them; or the error.
  std::string Search(std::string_view type, std::string_view query) {
    const auto request = Compile(type, query);
    if (!request.ok()) return request.status().message();
    return Found(Named(type), request->searches[0].query);
  }
  std::string Found(TypeId type, const storage::Query& query) {
    const auto docs = index_.Evaluate(catalog_.CollectionOf(type), query);
    std::string out;
    for (size_t doc = 0; doc < docs.size(); ++doc) {
      if (docs[doc]) out += (out.empty() ? "" : " ") + ids_[type][doc];
    }
    return out;
  }
  std::string Refusal(std::string_view type, std::string_view query, Code code = Code::kInvalid) {
    const auto request = Compile(type, query);
    if (request.ok()) return "accepted";
    EXPECT_EQ(request.status().code(), code) << query << ": " << request.status().message();
    return request.status().message();
  }

  MemoryCatalog catalog_;
  MemoryIndex index_;
  std::map<TypeId, std::vector<std::string>> ids_;
  SearchOptions options_{.base_url = "http://h/fhir", .now = 1'600'000'000 * kSecond};
};

class FilledSearchTest : public SearchTest {
 protected:
  void SetUp() override {
    Add(R"({"resourceType":"Organization","id":"o1","name":"Hilum Clinic"})");
    Add(R"({"resourceType":"Patient","id":"p1","gender":"female","birthDate":"1980-05-01","name":[{"family":"M\u00fcller","given":["Ada, Jo"]}],
        "identifier":[{"system":"urn:s","value":"1|2","type":{"coding":[{"system":"t","code":"MR"}]}}],"managingOrganization":{"reference":"Organization/o1"}})");
    Add(R"({"resourceType":"Patient","id":"p2","gender":"male","birthDate":"1980","deceasedBoolean":true,"name":[{"family":"Muller-Smith"}]})");
    Add(R"({"resourceType":"Patient","id":"p3","address":[{"city":"Bonn"}],"meta":{"profile":["http://p/a|2"],"tag":[{"system":"x","code":"t"}]}})");
    Add(Observation(
        "b1", "Patient/p1", "weight",
        R"("valueQuantity":{"value":72.5,"unit":"kg","system":"http://unitsofmeasure.org","code":"kg"},"effectiveDateTime":"2020-03-01T10:00:00Z")"));
    Add(Observation(
        "b2", "Patient/p2", "weight",
        R"("valueQuantity":{"value":95,"unit":"kg","system":"http://unitsofmeasure.org","code":"kg"},"effectiveDateTime":"2020-03")"));
    Add(Observation("b3", "Patient/p1", "note",
                    R"("valueString":"Seen well","effectivePeriod":{"start":"2019-12-01","end":"2020-02-10"})"));
    Add(Observation("b4", "Group/g", "pressure", R"("component":[
        {"code":{"coding":[{"system":"s","code":"sys"}]},"valueQuantity":{"value":120,"system":"http://unitsofmeasure.org","code":"mm[Hg]"}},
        {"code":{"coding":[{"system":"s","code":"dia"}]},"valueQuantity":{"value":80,"system":"http://unitsofmeasure.org","code":"mm[Hg]"}}])"));
    Add(R"({"resourceType":"List","id":"l1","status":"current","mode":"working","entry":[{"item":{"reference":"Patient/p2"}}]})");
    Add(R"({"resourceType":"Location","id":"munich","position":{"latitude":48.14,"longitude":11.58}})");
    Add(R"({"resourceType":"Location","id":"fiji","position":{"latitude":-17,"longitude":179.9}})");
    Add(R"({"resourceType":"Encounter","id":"e1","status":"finished","class":{"code":"IMP"},"subject":{"reference":"Patient/p2"},
        "diagnosis":[{"condition":{"identifier":{"system":"s","value":"v"}}}]})");
  }

  static std::string Observation(const std::string& id, const std::string& subject, const std::string& code,
                                 const std::string& rest) {
    return R"({"resourceType":"Observation","id":")" + id + R"(","status":"final","subject":{"reference":")" + subject +
           R"("},"code":{"coding":[{"system":"http://c","code":")" + code + R"("}]},)" + rest + "}";
  }
};

TEST_F(FilledSearchTest, FindsByEveryKindOfParameter) {
  struct Case {
    const char *type, *query, *ids;
  };
  for (const Case& c : std::initializer_list<Case>{
           {"Patient", "", "p1 p2 p3"},
           // Tokens
           {"Patient", "gender=female", "p1"},
           {"Patient", "gender=female,male", "p1 p2"},
           {"Patient", "gender:not=female", "p2 p3"},
           {"Patient", "gender:missing=true", "p3"},
           {"Patient", "gender:missing=false", "p1 p2"},
           {"Patient", "gender=http://hl7.org/fhir/administrative-gender|male", "p2"},
           {"Patient", "gender=|male", ""},
           {"Patient", "identifier=urn:s|1\\|2", "p1"},
           {"Patient", "identifier=1\\|2", "p1"},
           {"Patient", "identifier=urn:s|", "p1"},
           {"Patient", "identifier:of-type=t|MR|1\\|2", "p1"},
           {"Patient", "identifier:of-type=t|XX|1\\|2", ""},
           {"Patient", "deceased=true", "p2"},
           {"Patient", "deceased=false", "p1 p3"},
           {"Patient", "_tag=x|t", "p3"},
           {"Patient", "_id=p2,p3,p9", "p2 p3"},
           {"Patient", "_id:not=p2,p9", "p1 p3"},
           {"Patient", "_id:missing=true", ""},
           {"Patient", "_id:missing=false", "p1 p2 p3"},
           {"Patient", "_list:not=l1", "p1 p3"},
           {"Patient", "_list:missing=true", "p1 p3"},
           {"Patient", "_list:missing=false", "p2"},
           {"Observation", "patient._id:not=p2", "b1 b3"},
           // Strings
           {"Patient", "family=mull", "p1 p2"},
           {"Patient", "family:exact=M\u00fcller", "p1"},
           {"Patient", "family:exact=Muller", ""},
           {"Patient", "family:contains=smith", "p2"},
           {"Patient", "given=Ada\\, Jo", "p1"},
           {"Patient", "given=Ada,Bob", "p1"},
           {"Patient", "address=bonn", "p3"},
           // URIs
           {"Patient", "_profile=http://p/a", "p3"},
           {"Patient", "_profile=http://p/a|2", "p3"},
           {"Patient", "_profile=http://p/a|1", ""},
           {"Patient", "_profile:below=http://p/", "p3"},
           // Dates
           {"Patient", "birthdate=1980", "p1 p2"},
           {"Patient", "birthdate=1980-05-01", "p1"},
           {"Patient", "birthdate=lt1980-06", "p1 p2"},
           {"Patient", "birthdate=sa1980-04", "p1"},
           {"Observation", "date=2020-03", "b1 b2"},
           {"Observation", "date=ge2020-03-01T11:00:00%2B01:00&date=lt2020-03-02", "b1 b2"},
           {"Observation", "date=ge2020-03-01T11:00:00+01:00&date=eb2020-03-02", "b1"},
           {"Observation", "date=ap2020-02", "b1 b2 b3"},
           // Quantities
           {"Observation", "value-quantity=72.5", "b1"},
           {"Observation", "value-quantity=gt72.5", "b2"},
           {"Observation", "value-quantity=72.5|http://unitsofmeasure.org|kg", "b1"},
           {"Observation", "value-quantity=72500||g", "b1"},
           {"Observation", "value-quantity=ge72500|http://unitsofmeasure.org|g", "b1 b2"},
           {"Observation", "value-quantity=72.5|http://unitsofmeasure.org|g", ""},
           {"Observation", "value-quantity=ap100||kg", "b2"},
           {"Observation", "value-quantity:missing=true", "b3 b4"},
           // References
           {"Observation", "subject=Patient/p1", "b1 b3"},
           {"Observation", "subject=p1", "b1 b3"},
           {"Observation", "patient=p1", "b1 b3"},
           {"Observation", "patient=Patient/p1,Patient/p2", "b1 b2 b3"},
           {"Observation", "subject=http://h/fhir/Patient/p1", "b1 b3"},
           {"Observation", "subject:Patient=p1", "b1 b3"},
           {"Observation", "subject:Group=p1", ""},
           {"Observation", "subject=Group/g", "b4"},
           {"Observation", "patient=Group/g", ""},
           {"Observation", "patient:missing=true", "b4"},
           {"Encounter", "diagnosis:identifier=s|v", "e1"},
           {"Encounter", "diagnosis:identifier=v", "e1"},
           {"Encounter", "diagnosis:identifier=x|v", ""},
           // Chains
           {"Observation", "subject.family=muller&code=weight", "b1 b2"},
           {"Observation", "subject:Patient.gender=female", "b1 b3"},
           {"Observation", "patient.organization.name=hilum", "b1 b3"},
           {"Observation", "patient._id=p2", "b2"},
           {"Patient", "_has:Observation:patient:code=http://c|weight", "p1 p2"},
           {"Patient", "_has:Observation:patient:value-quantity=gt90", "p2"},
           {"Patient", "_has:Observation:patient:code=weight&_has:Encounter:patient:class=IMP", "p2"},
           {"Organization", "_has:Patient:organization:_has:Observation:patient:code=note", "o1"},
           {"Organization", "_has:Patient:organization:gender=male", ""},
           {"Patient", "_has:Encounter:subject:subject.gender=male", "p2"},
           {"Patient", "_list=l1", "p2"},
           // Composites
           {"Observation", "code-value-quantity=http://c|weight$gt80", "b2"},
           {"Observation", "code-value-quantity=weight$lt80||kg", "b1"},
           {"Observation", "code-value-quantity=note$lt80||kg", ""},
           {"Observation", "code-value-string=note$seen", "b3"},
           {"Observation", "component-code-value-quantity=s|sys$gt100|http://unitsofmeasure.org|mm[Hg]", "b4"},
           {"Observation", "component-code-value-quantity=dia$gt100", ""},
           {"Observation", "component-code-value-quantity=dia$80", "b4"},
           {"Observation", "combo-code-value-quantity=dia$lt13||kPa,weight$lt80||kg", "b1 b4"},
           // Places
           {"Location", "near=48.1|11.5|20|km", "munich"},
           {"Location", "near=48.1|11.5|2", ""},
           {"Location", "near=-17|-179.9|50", "fiji"},
       }) {
    EXPECT_EQ(Search(c.type, c.query), c.ids) << c.type << "?" << c.query;
  }
}

TEST_F(FilledSearchTest, CompartmentsFollowTheDefinition) {
  const auto in = [&](std::string_view type) {
    auto query = CompileCompartment(Named("Patient"), "p1", Named(type), catalog_, options_);
    EXPECT_TRUE(query.ok());
    return query.ok() && *query ? Found(Named(type), **query) : std::string("outside");
  };
  EXPECT_EQ(in("Observation"), "b1 b3");
  EXPECT_EQ(in("Patient"), "p1");
  EXPECT_EQ(in("Encounter"), "");
  EXPECT_EQ(in("Location"), "outside");
  EXPECT_EQ(CompileCompartment(Named("Location"), "x", Named("Patient"), catalog_, options_).status().code(),
            Code::kNotFound);
}

TEST_F(SearchTest, AnOrderThatIsNamedAgainChangesNothing) {
  const auto request = Compile("Patient", "_sort=name,-name,name,birthdate,-_id&_sort=-name,-_id");
  ASSERT_TRUE(request.ok()) << request.status().message();
  ASSERT_EQ(request->searches[0].sort.size(), 4u);
  EXPECT_EQ(request->searches[0].sort[0].field, request->searches[0].sort[1].field);
  EXPECT_FALSE(request->searches[0].sort[0].descending);
  EXPECT_TRUE(request->searches[0].sort[1].descending);
  EXPECT_EQ(request->searches[0].sort[3].field, storage::kDocOrder);
}

TEST_F(SearchTest, ReadsWhatShapesTheAnswer) {
  const auto request = Compile(
      "Observation",
      "_sort=-date,_id&_count=20&_total=none&_summary=data&_elements=code,value&_pretty=true&_format=json&cursor=x"
      "&_include=Observation:patient&_include:iterate=Patient:organization&_revinclude=Provenance:target:Observation&_"
      "include=*");
  ASSERT_TRUE(request.ok()) << request.status().message();
  ASSERT_EQ(request->searches[0].sort.size(), 2u);
  EXPECT_TRUE(request->searches[0].sort[0].descending);
  EXPECT_EQ(request->searches[0].sort[1].field, storage::kDocOrder);
  EXPECT_EQ(request->count, 20u);
  EXPECT_EQ(request->total, TotalMode::kNone);
  EXPECT_EQ(request->shape.summary, json::Summary::kData);
  EXPECT_THAT(request->shape.elements, ElementsAre("code", "value"));
  EXPECT_TRUE(request->shape.pretty);
  ASSERT_EQ(request->includes.size(), 4u);
  EXPECT_EQ(request->includes[0].target, Named("Patient"));
  EXPECT_TRUE(request->includes[1].iterate);
  EXPECT_TRUE(request->includes[2].reverse);
  EXPECT_EQ(request->includes[2].target, Named("Observation"));
  EXPECT_EQ(request->includes[3].source, kNoType);
  EXPECT_EQ(request->used.size(), 11u);
  EXPECT_TRUE(Compile("Patient", "_count=0")->count_only);
  EXPECT_TRUE(Compile("Patient", "_summary=count")->count_only);
  EXPECT_EQ(Compile("Patient", "_include=Patient:organization&_summary=text").status().code(), Code::kUnsupported);
}

TEST_F(SearchTest, LenientHandlingListsWhatItIgnores) {
  const auto request =
      Compile("Patient", "nane=x&gender=male&_text=y&_sort=foo&name=&organization.nope=1", Handling::kLenient);
  ASSERT_TRUE(request.ok()) << request.status().message();
  EXPECT_THAT(request->used, ElementsAre(Parameter{"gender", "male"}));
  std::vector<std::string> reasons;
  for (const auto& ignored : request->ignored) reasons.push_back(ignored.reason);
  EXPECT_THAT(reasons, ElementsAre(HasSubstr("did you mean 'name'?"), HasSubstr("'_text' is not supported"),
                                   HasSubstr("no search parameter 'foo'"), HasSubstr("has no value"),
                                   HasSubstr("no search parameter 'nope'")));
}

TEST_F(SearchTest, StrictHandlingRefusesWhatItDoesNotKnow) {
  EXPECT_THAT(Refusal("Patient", "nane=x", Code::kUnsupported), HasSubstr("did you mean 'name'?"));
  EXPECT_THAT(Refusal("Patient", "_filter=x", Code::kUnsupported), HasSubstr("'_filter'"));
}

TEST_F(SearchTest, RefusesValuesThatDoNotFit) {
  for (const auto& [type, query] : std::initializer_list<std::pair<const char*, const char*>>{
           {"Patient", "birthdate=x"},
           {"Patient", "birthdate=2020-13"},
           {"Patient", "gender=a|b|c"},
           {"Patient", "gender=|"},
           {"Patient", "gender=a,,b"},
           {"Patient", "gender:missing=1"},
           {"Patient", "_id:missing=1"},
           {"Patient", "identifier:of-type=a|b"},
           {"Patient", "gender.x=1"},
           {"Observation", "value-quantity=kg"},
           {"Observation", "value-quantity=1|kg"},
           {"Observation", "code-value-quantity=a"},
           {"Observation", "code-value-quantity=a$1$2"},
           {"Observation", "component-code-value-quantity=a|$1"},
           {"Observation", "subject:Nobody.name=x"},
           {"Patient", "_has:Observation:patient=x"},
           {"Patient", "_has:Nobody:patient:code=x"},
           {"Patient", "_has:Observation:code:code=x"},
           {"Patient", "_count=-1"},
           {"Patient", "_count=x"},
           {"Patient", "_total=some"},
           {"Patient", "_summary=maybe"},
           {"Patient", "_pretty=1"},
           {"Patient", "_include=organization"},
           {"Patient", "_include=Patient:name"},
           {"Patient", "_include=Patient:organization:Nobody"},
           {"Location", "near=1"},
           {"Location", "near=91|0"},
           {"Location", "near=1|2|3|miles"},
       }) {
    EXPECT_NE(Refusal(type, query), "accepted") << query;
  }
  for (const auto& [type, query] : std::initializer_list<std::pair<const char*, const char*>>{
           {"Patient", "gender:exact=x"},
           {"Patient", "name:text=x"},
           {"Patient", "name:not=x"},
           {"Patient", "birthdate:exact=2020"},
           {"Patient", "gender:in=http://vs"},
           {"Patient", "gender:foo=x"},
           {"Patient", "_id:exact=p1"},
           {"Patient", "_id:contains=p1"},
           {"Patient", "_list:Patient=l1"},
           {"Patient", "_include:all=Patient:organization"},
           {"Location", "_sort=near"},
           {"Observation", "_sort=subject"},
           {"QuestionnaireResponse", "questionnaire.name=x"},
           {"QuestionnaireResponse", "_include=QuestionnaireResponse:questionnaire"},
           {"Questionnaire", "_has:QuestionnaireResponse:questionnaire:status=completed"},
           {"Observation", "code-value-quantity:missing=true"}}) {
    EXPECT_NE(Refusal(type, query, Code::kUnsupported), "accepted") << query;
  }
}

TEST_F(SearchTest, SaysWhatIsWrong) {
  EXPECT_THAT(Refusal("Location", "near=91|0|5|km"), HasSubstr("latitude"));
  EXPECT_THAT(Refusal("Location", "near=0|181|5|km"), HasSubstr("longitude"));
  EXPECT_THAT(Refusal("Location", "near=50|8|-5|km"), HasSubstr("distance"));
  EXPECT_THAT(Refusal("Patient", "name=a%00b"), HasSubstr("NUL"));
  EXPECT_THAT(Refusal("Patient", "name=%FF"), HasSubstr("UTF-8"));
  EXPECT_THAT(Refusal("Observation", "_sort:desc=date", Code::kUnsupported), HasSubstr("_sort=-date"));
  EXPECT_THAT(Refusal("Observation", "_count:exact=1", Code::kUnsupported), HasSubstr("'_count' takes no modifier"));
}

TEST_F(SearchTest, TellsElementsThatTheTypeDoesNotHave) {
  const auto request = Compile("Observation", "_elements=id,meta,text,code,value,valueQuantity,nonsense");
  ASSERT_TRUE(request.ok());
  EXPECT_THAT(request->unknown_elements, ElementsAre("nonsense", "valueQuantity"));
  const auto both = CompileSearch({Named("Observation"), Named("Patient")}, {{"_elements", "gender,status,nonsense"}},
                                  Handling::kStrict, {}, catalog_, options_);
  EXPECT_THAT(both->unknown_elements, ElementsAre("nonsense"));
}

TEST_F(SearchTest, ElementsThatAreNamedAgainAreNotKeptAgain) {
  std::string names = "_elements=code";
  for (int i = 0; i < 10'000; ++i) names += ",code";
  EXPECT_THAT(Compile("Observation", names)->shape.elements, ElementsAre("code"));
  for (int i = 0; i < 1000; ++i) names += ",e" + std::to_string(i);
  EXPECT_NE(Refusal("Observation", names, Code::kLimit), "accepted");
}

class SeveralTypesTest : public SearchTest {
 protected:
  Result<SearchRequest> CompileBoth(std::string_view query) {
    HILUM_ASSIGN_OR_RETURN(const auto parameters, SplitQuery(query, options_.max_parameters));
    return CompileSearch({Named("Patient"), Named("Observation")}, parameters, Handling::kLenient, {}, catalog_,
                         options_);
  }
};

TEST_F(SeveralTypesTest, AreAskedByWhatEachOfThemHas) {
  Add(R"({"resourceType":"Patient","id":"p","gender":"male","meta":{"tag":[{"code":"t"}]}})");
  Add(R"({"resourceType":"Patient","id":"q","gender":"male"})");
  Add(R"({"resourceType":"Observation","id":"o","status":"final","code":{"text":"x"},"meta":{"tag":[{"code":"t"}]}})");
  const auto request = CompileBoth("_tag=t&status=final&gender=female&_count=5");
  ASSERT_TRUE(request.ok()) << request.status().message();
  EXPECT_EQ(Found(Named("Patient"), request->searches[0].query), "p");
  EXPECT_EQ(Found(Named("Observation"), request->searches[1].query), "o");
  EXPECT_THAT(request->used, ElementsAre(Parameter{"_tag", "t"}, Parameter{"_count", "5"}));
  EXPECT_EQ(request->ignored.size(), 2u);
}

TEST_F(SeveralTypesTest, AreOrderedByDatesThatEachOfThemHas) {
  const auto request = CompileBoth("_sort=-_lastUpdated,gender&_sort=_lastUpdated&_sort=date");
  ASSERT_TRUE(request.ok()) << request.status().message();
  EXPECT_EQ(request->ignored.size(), 2u);
  for (const TypeSearch& search : request->searches) {
    ASSERT_EQ(search.sort.size(), 1u);
    EXPECT_FALSE(search.sort[0].descending) << "an order that is ignored is so with all of its keys";
  }
}

TEST_F(SeveralTypesTest, HaveOneBudget) {
  const std::vector<TypeId> all(ResourceTypes().begin(), ResourceTypes().end());
  const auto compile = [&](const std::string& name, const std::string& value) {
    return CompileSearch(all, {{name, value}}, Handling::kStrict, {}, catalog_, options_).status().code();
  };
  std::string values = "x";
  for (int i = 0; i < 500; ++i) values += ",x";
  EXPECT_EQ(compile("_tag", values), Code::kOk);
  EXPECT_EQ(compile("_tag", values + "," + values), Code::kLimit);
  EXPECT_EQ(compile("_tag", std::string(400'000, 'x')), Code::kLimit) << "each type would keep it";
  std::string keys = "_lastUpdated";
  for (int i = 0; i < 1000; ++i) keys += ",_lastUpdated";
  EXPECT_EQ(compile("_sort", keys), Code::kLimit);
}

TEST_F(SearchTest, KnowsWhatCanonicalsLeadTo) {
  const auto by_canonical = [](std::string_view type, std::string_view code) {
    return IsByCanonical(*FindSearchParam(Named(type), code));
  };
  EXPECT_TRUE(by_canonical("QuestionnaireResponse", "questionnaire"));
  EXPECT_TRUE(by_canonical("CarePlan", "instantiates-canonical"));
  EXPECT_TRUE(by_canonical("ActivityDefinition", "depends-on"));
  EXPECT_FALSE(by_canonical("QuestionnaireResponse", "subject"));
  EXPECT_FALSE(by_canonical("Bundle", "composition")) << "a resource in place";
  EXPECT_FALSE(by_canonical("Patient", "_profile")) << "a uri, which cannot be chained anyway";
}

TEST_F(SearchTest, BoundsEverythingAClientCanRepeat) {
  options_.max_steps = 12;
  EXPECT_EQ(Refusal("Patient", "gender=1,2,3,4,5&family=1,2,3,4,5"), "accepted");
  EXPECT_NE(Refusal("Patient", "gender=1,2,3,4,5&family=1,2,3,4,5,6", Code::kLimit), "accepted");
  EXPECT_NE(Refusal("Patient", "_id=1,2,3,4,5,6,7,8,9,10,11,12", Code::kLimit), "accepted");
  EXPECT_NE(Refusal("Patient", "name=" + std::string(4000, 'x'), Code::kLimit), "accepted");
  EXPECT_NE(Refusal("Basic", "subject=id", Code::kLimit), "accepted") << "each type is looked into";
  EXPECT_EQ(Refusal("Basic", "subject=Patient/id"), "accepted");
  options_.max_steps = SearchOptions().max_steps;
  std::string deep;
  for (int i = 0; i < 100; ++i) deep += "_has:Patient:link:";
  EXPECT_NE(Refusal("Patient", deep + "name=x", Code::kLimit), "accepted");
  std::string chain;
  for (int i = 0; i < 100; ++i) chain += "partof.";
  EXPECT_NE(Refusal("Organization", chain + "name=x", Code::kLimit), "accepted");
  options_.max_parameters = 3;
  EXPECT_EQ(CompileSearch({Named("Patient")}, std::vector<Parameter>(4, {"name", "x"}), Handling::kLenient, {},
                          catalog_, options_)
                .status()
                .code(),
            Code::kLimit);
}

// A reference without types leads to each of them, at every level again.
std::string ChainOf(int levels, const std::string& end) {
  std::string name;
  for (int i = 0; i < levels; ++i) name += "subject.";
  return name + end;
}

TEST_F(SearchTest, AChainThatLeadsNowhereIsLookedIntoOnceForEachType) {
  EXPECT_THAT(Refusal("Basic", ChainOf(15, "nope=x"), Code::kUnsupported), HasSubstr("none of the types"));
}

TEST_F(SearchTest, AChainThatLeadsNowhereNamesTheTypesThatWereTried) {
  EXPECT_EQ(Refusal("Observation", "subject.nane=x", Code::kUnsupported),
            "none of the types that 'subject' may lead to has 'nane' (Device, Group, Location, Patient); did you mean "
            "'name'?");
  EXPECT_EQ(Refusal("Observation", "subject.nope.name=x", Code::kUnsupported),
            "none of the types that 'subject' may lead to has 'nope.name' (Device, Group, Location, Patient)");
  EXPECT_THAT(Refusal("Basic", "subject.nope=x", Code::kUnsupported),
              ::testing::MatchesRegex(".*[(]Account, ActivityDefinition, .* and [0-9]+ more[)].*"));
  EXPECT_THAT(Refusal("Observation", "subject:Patient.nane=x", Code::kUnsupported),
              HasSubstr("Patient has no search parameter 'nane'; did you mean 'name'?"));
}

TEST_F(SearchTest, BoundsTheWaysOfAChain) {
  EXPECT_EQ(Refusal("Basic", ChainOf(2, "_id=x")), "accepted");
  for (const char* end : {"_id=x", "_id:missing=true", "_list=x", "subject:missing=true", "_tag=x", "subject=Patient/1",
                          "_has:Observation:subject:_id:missing=false"}) {
    EXPECT_THAT(Refusal("Basic", ChainOf(8, end), Code::kLimit), HasSubstr("name types in chains")) << end;
  }
  EXPECT_NE(Refusal("Patient", "_has:Basic:subject:" + ChainOf(8, "_id=x"), Code::kLimit), "accepted");
  std::string many;
  for (int i = 0; i < 100; ++i) many += ChainOf(2, "_id=x&");
  EXPECT_NE(Refusal("Basic", many, Code::kLimit), "accepted");
}

class CatalogWithMore : public MemoryCatalog {
 public:
  std::optional<CustomParam> FindCustom(TypeId type, std::string_view code) const override {
    if (code == "dicom-SliceThickness") return CustomParam{storage::FieldId{900}, SearchType::kNumber, {}};
    return std::nullopt;
  }
  Result<std::vector<storage::TokenValue>> ExpandValueSet(std::string_view url) override {
    return std::vector<storage::TokenValue>{{"s", "a"}, {"s", "b"}};
  }
};

TEST(CompileSearch, AsksTheCatalogueForParametersAndValueSetsOfItsOwn) {
  CatalogWithMore catalog;
  const auto compile = [&](std::string_view query) {
    return CompileSearch({Named("ImagingStudy")}, *SplitQuery(query, 10), Handling::kStrict, {}, catalog, {});
  };
  const auto number = compile("dicom-SliceThickness=lt1.5");
  ASSERT_TRUE(number.ok()) << number.status().message();
  const auto* match = std::get_if<storage::NumberMatch>(&number->searches[0].query.node);
  ASSERT_NE(match, nullptr);
  EXPECT_EQ(match->field, storage::FieldId{900});
  EXPECT_EQ(match->comparison, storage::Comparison::kLess);
  const auto in = compile("status:in=http://vs");
  ASSERT_TRUE(in.ok());
  ASSERT_NE(std::get_if<storage::Or>(&in->searches[0].query.node), nullptr);
  EXPECT_NE(std::get_if<storage::Not>(&compile("status:not-in=http://vs")->searches[0].query.node), nullptr);
}

TEST_F(FilledSearchTest, SurvivesDamagedQueries) {
  const std::string seed =
      "_has:Observation:patient:code=http://"
      "c|weight,x\\,y&subject:Patient.name=a&date=ge2020-01-01&value-quantity=5.4|http://u|mg&"
      "code-value-quantity=a$gt1&_include:iterate=Patient:organization&_sort=-date&near=1|2|3|km&identifier:of-type=a|"
      "b|c";
  std::mt19937 random(5);
  size_t accepted = 0;
  for (int round = 0; round < 20'000; ++round) {
    std::string text = seed;
    for (int change = random() % 4 + 1; change > 0; --change) {
      const size_t at = random() % text.size(), from = random() % seed.size();
      if (random() % 2 == 0) {
        text[at] = seed[from];
      } else {
        text.insert(at, seed.substr(from, random() % 10));
      }
    }
    const char* types[] = {"Patient", "Observation", "Location", "Encounter"};
    const char* type = types[random() % 4];
    const auto request = Compile(type, text, Handling::kLenient);
    if (!request.ok()) {
      ASSERT_FALSE(request.status().message().empty());
      continue;
    }
    ++accepted;
    Found(Named(type), request->searches[0].query);
  }
  EXPECT_GT(accepted, 100u);
}

}  // namespace
}  // namespace hilum::fhir
